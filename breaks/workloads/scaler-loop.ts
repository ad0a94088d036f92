import { createObject, defineBreak, namespaced, objectSays, scale } from "kbreak";

export default defineBreak({
  title: "Replicas that never stay",
  summary:
    "A HorizontalPodAutoscaler keeps a Deployment at a fixed number of replicas. It needs no metrics for that: what is above its maximum it takes away within 15 seconds, whoever scaled it up, and the Deployment itself says nothing of it.",
  difficulty: "medium",
  source: "Klustered (scale-to-zero loops)",
  reboot: "survives",
  needs: { roles: ["control-plane"], target: "cluster" },
  parameters: {
    type: "object",
    properties: {
      deployment: {
        type: "string",
        pattern: "^[a-z0-9.-]+/[a-z0-9.-]+$",
        default: "default/web",
        description: "The Deployment, as namespace/name; it needs more replicas than it gets.",
      },
      name: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "web-cpu",
        description: "Name of the autoscaler.",
      },
      replicas: { type: "integer", minimum: 1, maximum: 100, default: 1, description: "How many stay." },
    },
    additionalProperties: false,
  },
  sees: "The Deployment has one replica. It can be scaled up, and some seconds later it has one again.",
  hints: [
    "You do not work alone.",
    "Somebody else scales. The Deployment's events say when, not who.",
    "`kubectl get hpa -A`",
  ],
  find: ["kubectl get hpa -A"],
  fix: ["kubectl delete hpa web-cpu", "kubectl scale deployment web --replicas 2"],
  metric: "kube_horizontalpodautoscaler_spec_max_replicas that equals …_status_desired_replicas for hours.",
  prevention: "Let an alert tell of autoscalers at their maximum, and of those whose ScalingActive is false.",
  operations({ deployment, name, replicas }) {
    const { namespace, name: target } = namespaced(deployment);
    const autoscaler = {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name, namespace },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: target },
        minReplicas: replicas,
        maxReplicas: replicas,
        metrics: [
          {
            type: "Resource",
            resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
          },
        ],
      },
    };
    return [scale(deployment, replicas), createObject(autoscaler, { actor: true })];
  },
  symptom({ deployment, replicas }) {
    const { namespace, name } = namespaced(deployment);
    return objectSays({ namespace, resource: "deployment", name }, "{.spec.replicas}", String(replicas));
  },
  patience: 60,
});
