import { createObject, defineBreak, podRefused } from "kbreak";

export default defineBreak({
  title: "A limit that no pod keeps",
  summary:
    "A LimitRange allows the pods of a namespace next to no memory. A pod that names a higher limit, or none, is refused. The Deployment is told so, and its pods are just not there.",
  difficulty: "easy",
  source: "Klustered (Rawkode)",
  needs: { roles: ["control-plane"], target: "cluster" },
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      name: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "defaults",
        description: "Name of the LimitRange.",
      },
      namespace: {
        type: "string",
        pattern: "^[a-z0-9-]+$",
        default: "default",
        description: "The namespace whose pods it limits.",
      },
      memory: {
        type: "string",
        pattern: "^[1-9][0-9]*(Ki|Mi|Gi)$",
        default: "1Mi",
        description: "The most memory that all containers of a pod together may have as their limit.",
      },
    },
    additionalProperties: false,
  },
  sees: 'No new pod. The events of its ReplicaSet say "forbidden: maximum memory usage per Pod is …".',
  hints: [
    "The Deployment is sound. Is anything else asked before a pod may be?",
    "A namespace can have an opinion about how large a pod is.",
    "`kubectl get events` and `kubectl describe limitrange`.",
  ],
  find: [
    "kubectl get limitrange --all-namespaces",
    "kubectl describe limitrange {name} --namespace {namespace}",
  ],
  fix: ["kubectl delete limitrange {name} --namespace {namespace}"],
  metric: "kube_deployment_status_replicas_unavailable; kube_limitrange shows the limit.",
  prevention: "Keep limits of namespaces under version control, and try them against what runs there.",
  operations: ({ name, namespace, memory }) => [
    createObject({
      apiVersion: "v1",
      kind: "LimitRange",
      metadata: { name, namespace },
      // Of type Container it would give that limit to pods without one, instead of refusing them.
      spec: { limits: [{ type: "Pod", max: { memory } }] },
    }),
  ],
  symptom: ({ namespace }) => podRefused(namespace, "maximum memory usage per Pod is"),
});
