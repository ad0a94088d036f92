import {
  defineBreak,
  deploymentIn,
  deploymentPath,
  NODES,
  nodesIn,
  oneMorePod,
  podsUnschedulable,
  rolloutRefusal,
  setFields,
} from "kbreak";

export default defineBreak({
  title: "Nodes that nobody let in again",
  summary:
    "All nodes that take usual pods are cordoned, as after a maintenance that was never finished. Pods that run stay, so nothing happens until one is to start: a Deployment is scaled up by one, and its new pod finds no node.",
  difficulty: "easy",
  source: "Klustered (Rawkode)",
  needs: { roles: ["control-plane"], target: "cluster" },
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      deployment: {
        type: "string",
        pattern: "^[a-z0-9.-]+/[a-z0-9.-]+$",
        default: "default/web",
        description: "The Deployment, as namespace/name, that gets one pod more, which finds no node.",
      },
    },
    additionalProperties: false,
  },
  sees: "A new pod stays Pending; all nodes are Ready and half empty.",
  hints: [
    "All are well, and all stand still.",
    "Ready is not the only word that tells of a node.",
    "`kubectl get nodes`: SchedulingDisabled.",
  ],
  find: [
    "kubectl get pods --field-selector status.phase=Pending",
    "kubectl get nodes | grep SchedulingDisabled",
  ],
  fix: ["kubectl get nodes --field-selector spec.unschedulable=true -o name | xargs kubectl uncordon"],
  metric: "kube_node_spec_unschedulable that lasts; kube_pod_status_unschedulable.",
  prevention:
    "Let the tool that cordons also uncordon, and alert on nodes that are cordoned for longer than a maintenance takes.",
  asks: ({ deployment }) => [NODES, deploymentPath(deployment)],
  refusal({ deployment }, facts) {
    if (!nodesIn(facts).some(({ open }) => open)) return "no node takes usual pods as it is";
    return rolloutRefusal(deployment, facts);
  },
  operations({ deployment }, facts) {
    const open = nodesIn(facts).filter((node) => node.open);
    return [
      ...open.map(({ name }) => setFields(`node/${name}`, { "spec.unschedulable": true })),
      oneMorePod(deployment, facts),
    ];
  },
  symptom({ deployment }, facts) {
    const { namespace, selector } = deploymentIn(deployment, facts);
    return podsUnschedulable(namespace, selector);
  },
});
