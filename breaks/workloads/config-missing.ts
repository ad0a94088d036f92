import {
  defineBreak,
  deploymentIn,
  deploymentPath,
  namespaced,
  podsStuck,
  rolloutRefusal,
  setFields,
} from "kbreak";

export default defineBreak({
  title: "Settings that nobody has made",
  summary:
    "An update of a Deployment takes its environment from a ConfigMap that is not there. The new pod has a node and its image, and its container is never created; the old pods stay, so the service is up and the update hangs.",
  difficulty: "easy",
  source: "lesson 07 of the course (workloads)",
  reboot: "survives",
  needs: { roles: ["control-plane"], target: "cluster" },
  parameters: {
    type: "object",
    properties: {
      deployment: {
        type: "string",
        pattern: "^[a-z0-9.-]+/[a-z0-9.-]+$",
        default: "default/web",
        description: "The Deployment, as namespace/name; the first container of its pods is the one.",
      },
      config: {
        type: "string",
        pattern: "^[a-z0-9.-]+$",
        default: "web-settings",
        description: "Name of the ConfigMap that it waits for.",
      },
    },
    additionalProperties: false,
  },
  sees: "CreateContainerConfigError: one pod is there, and its container is not; it has no log.",
  hints: [
    "It was never started, so there is nothing to read in its log.",
    "The kubelet cannot put the container together. What does it lack?",
    "`kubectl describe pod` names the ConfigMap; see `envFrom` in the Deployment.",
  ],
  find: [
    "kubectl get pods",
    "kubectl get deployment web -o jsonpath='{.spec.template.spec.containers[0].envFrom}'",
  ],
  fix: ["kubectl rollout undo deployment web", "kubectl rollout status deployment web --timeout 60s"],
  metric: 'kube_pod_container_status_waiting_reason{reason="CreateContainerConfigError"}.',
  prevention: "Ship a ConfigMap with the Deployment that needs it, in one chart or kustomization.",
  asks: ({ deployment, config }) => [
    deploymentPath(deployment),
    `/api/v1/namespaces/${namespaced(deployment).namespace}/configmaps/${config}`,
  ],
  refusal({ deployment, config }, facts) {
    const there = Object.keys(facts.objects).some((path) => path.endsWith(`/configmaps/${config}`));
    return rolloutRefusal(deployment, facts) ?? (there ? `there is a ConfigMap ${config}` : undefined);
  },
  operations({ deployment, config }, facts) {
    const { name, envFrom } = deploymentIn(deployment, facts).container;
    return [
      setFields(`deployment.apps/${deployment}`, {
        [`spec.template.spec.containers[name=${name}].envFrom`]: [
          ...envFrom,
          { configMapRef: { name: config } },
        ] as never,
      }),
    ];
  },
  symptom({ deployment }, facts) {
    const { namespace, selector } = deploymentIn(deployment, facts);
    return podsStuck(namespace, selector, "CreateContainerConfigError");
  },
  patience: 60,
});
