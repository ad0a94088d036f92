import {
  defineBreak,
  deploymentIn,
  deploymentPath,
  NODES,
  nodesIn,
  oneMorePod,
  podsUnschedulable,
  rolloutRefusal,
  taint,
} from "kbreak";

export default defineBreak({
  title: "Workers that look like control planes",
  summary:
    "All nodes that take usual pods get the taint that keeps pods away from a control plane, by its old name. Pods that run stay, so nothing happens until one is to start: a Deployment is scaled up by one, and its new pod finds no node.",
  difficulty: "easy",
  source: "Klustered (Rawkode)",
  needs: { roles: ["control-plane"], target: "cluster" },
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      key: {
        type: "string",
        pattern: "^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$",
        default: "node-role.kubernetes.io/master",
        description: "The taint's key.",
      },
      deployment: {
        type: "string",
        pattern: "^[a-z0-9.-]+/[a-z0-9.-]+$",
        default: "default/web",
        description: "The Deployment, as namespace/name, that gets one pod more, which finds no node.",
      },
    },
    additionalProperties: false,
  },
  sees: "A new pod stays Pending for an untolerated taint, on nodes that run pods like it.",
  hints: [
    "Who is here may stay. Nobody else comes in.",
    "Ask the pod that waits. It counts the nodes, and why each will not have it.",
    "`kubectl describe nodes | grep Taints`: which of them belongs there?",
  ],
  find: ["kubectl get pods --field-selector status.phase=Pending", "kubectl describe nodes | grep Taints"],
  fix: ["kubectl taint nodes -l '!node-role.kubernetes.io/control-plane' {key}:NoSchedule-"],
  metric: "kube_pod_status_unschedulable; kube_node_spec_taint.",
  prevention: "Keep taints in the configuration of nodes, and compare what they have with it.",
  asks: ({ deployment }) => [NODES, deploymentPath(deployment)],
  refusal({ deployment }, facts) {
    if (!nodesIn(facts).some(({ open }) => open)) return "no node takes usual pods as it is";
    return rolloutRefusal(deployment, facts);
  },
  operations({ key, deployment }, facts) {
    const open = nodesIn(facts).filter((node) => node.open);
    return [
      ...open.map(({ name }) => taint(name, { key, effect: "NoSchedule" })),
      oneMorePod(deployment, facts),
    ];
  },
  symptom({ deployment }, facts) {
    const { namespace, selector } = deploymentIn(deployment, facts);
    return podsUnschedulable(namespace, selector);
  },
});
