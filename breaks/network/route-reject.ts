import { defineBreak, noWayTo, route } from "kbreak";

const KUBECONFIG = "/etc/kubernetes/kubelet.conf";

/** The API server's address in the kubelet's kubeconfig, if it is one. */
const serverOf = (files: Readonly<Record<string, string>>) =>
  /^ *server: https:\/\/([0-9.]+):\d+ *$/m.exec(files[KUBECONFIG] ?? "")?.[1];

export default defineBreak({
  title: "No route to the control plane",
  summary:
    "A route of one single address says that it cannot be reached: that of the API server, on a worker. Everybody else is reached, and everybody reaches the control plane but this node.",
  difficulty: "easy",
  source: "Klustered, community 2",
  reboot: "vanishes",
  dangers: ["lockout"],
  needs: { roles: ["worker"] },
  parameters: {
    type: "object",
    properties: {
      address: {
        type: "string",
        pattern: "^([0-9]+(\\.[0-9]+){3})?$",
        default: "",
        description: `The address. Default: the API server's in ${KUBECONFIG}.`,
      },
      type: {
        type: "string",
        enum: ["unreachable", "blackhole", "prohibit"],
        default: "unreachable",
        description: "What a sender is told: no route to host, invalid argument, or permission denied.",
      },
    },
    additionalProperties: false,
  },
  sees: 'The worker is NotReady: its kubelet says "no route to host". Its pods run and are reached, and ssh to it works.',
  hints: [
    "Two machines that are well do not find each other.",
    "The error is not a timeout. Who tells the kubelet so quickly?",
    "Ask the kernel for its way to the API server: `ip route get ADDRESS`, then `ip route`.",
  ],
  find: ["ip route show type unreachable", "ip route show table all | grep -v ' dev '"],
  fix: ["ip route flush type unreachable"],
  metric: 'kube_node_status_condition{condition="Ready",status="unknown"}.',
  prevention: "Compare the routes of all workers, and alert on nodes that are not ready.",
  reads: () => [KUBECONFIG],
  refusal: ({ address }, { files }) =>
    address === "" && serverOf(files) === undefined
      ? `${KUBECONFIG} does not name the API server by an IPv4 address: \`address\` must be given`
      : undefined,
  operations: ({ address, type }, { files }) => [route(type, address || (serverOf(files) ?? ""))],
  symptom: ({ address }, { files }) => noWayTo(address || (serverOf(files) ?? "")),
});
