import {
  createObject,
  defineBreak,
  type Facts,
  idleImage,
  idlePod,
  NODES,
  nodesIn,
  ownWorkload,
  PODS,
  podsUnschedulable,
  requestedCpu,
} from "kbreak";

/** The nodes that take usual pods, with what is free there in thousandths of a CPU. */
const openNodes = (facts: Facts) =>
  nodesIn(facts)
    .filter(({ open }) => open)
    .map((node) => ({ cpu: node.cpu, requested: requestedCpu(node, facts) }));

/** What the same reserve on each node may take, so that none of them is booked above `share` hundredths. */
const reserveOf = (share: number, facts: Facts) =>
  Math.floor(Math.min(...openNodes(facts).map(({ cpu, requested }) => (cpu * share) / 100 - requested)));

const requests = (cpu: number) => ({ resources: { requests: { cpu: `${cpu}m` } } });

export default defineBreak({
  title: "Room for everything, and for nothing large",
  summary:
    "A reserve on every node leaves more than half of the CPU free, and no node with enough of it for the next pod: each could have taken it before. What counts is what is requested, not what is used, and it counts node by node.",
  difficulty: "medium",
  source: "day-2 operations (compute loop)",
  reboot: "survives",
  needs: { roles: ["control-plane"], target: "cluster" },
  parameters: {
    type: "object",
    properties: {
      namespace: { type: "string", pattern: "^[a-z0-9-]+$", default: "default", description: "Where it is." },
      reserve: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "node-cache",
        description: "Name of the DaemonSet that takes a part of each node.",
      },
      name: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "indexer",
        description: "Name of the Deployment whose pod finds no node.",
      },
      share: {
        type: "integer",
        minimum: 10,
        maximum: 49,
        default: 45,
        description: "Percent of a node's CPU that is requested in the end.",
      },
    },
    additionalProperties: false,
  },
  sees: "One pod is Pending: Insufficient cpu on every node, while less than half of the CPU is requested and hardly any is used.",
  hints: [
    "There is enough of it. Is it in one place?",
    "Compare what the pod requests with what is free on each node, not with the sum.",
    "`kubectl describe nodes`: Allocated resources; `kubectl get ds` shows what takes a part of each.",
  ],
  find: ["kubectl get pods -l app=indexer -o wide", "kubectl get ds node-cache"],
  fix: [
    "kubectl set resources daemonset node-cache --requests cpu=10m",
    "kubectl rollout status deployment indexer --timeout 90s",
  ],
  metric:
    "kube_pod_status_unschedulable beside sum(kube_pod_container_resource_requests) by (node) / kube_node_status_allocatable.",
  prevention: "Watch the largest free piece of a node, not the sum; keep requests near to what is used.",
  asks: () => [NODES, PODS],
  refusal({ share }, facts) {
    if (openNodes(facts).length === 0) return "no node takes usual pods";
    if (reserveOf(share, facts) < 50) return `on some node ${share} % of the CPU is requested already`;
    return idleImage(facts) === undefined ? "no node tells of an image pause" : undefined;
  },
  operations({ namespace, reserve, name, share }, facts) {
    const taken = reserveOf(share, facts);
    const left = Math.max(...openNodes(facts).map(({ cpu, requested }) => cpu - requested - taken));
    return [
      createObject(ownWorkload("DaemonSet", reserve, namespace, idlePod(reserve, facts, requests(taken)))),
      createObject(ownWorkload("Deployment", name, namespace, idlePod(name, facts, requests(left + 20)))),
    ];
  },
  symptom: ({ namespace, name }) => podsUnschedulable(namespace, `app=${name}`),
  patience: 60,
});
