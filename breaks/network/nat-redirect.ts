import { defineBreak, firewallRule, podsNameserverSilent, portRefused } from "kbreak";

/** Nobody listens on it: it is the discard service's. */
const NOWHERE = "9";

/** Name servers are asked by UDP and by TCP. */
const protocolsOf = (port: number) => (port === 53 ? ["udp", "tcp"] : ["tcp"]);

export default defineBreak({
  title: "A wrong turn before the door",
  summary:
    "A rule of the nat table sends connections to a port somewhere else, where nobody listens: those of the node itself, such as the API server's to etcd; or those of its pods, such as their questions to the name server, while the host resolves every name. No rule drops anything, and the filter table is clean. Connections that stand go on.",
  difficulty: "hard",
  source: "Klustered path, the network (no pod resolves a name, the host does)",
  reboot: "vanishes",
  dangers: ["lockout"],
  parameters: {
    type: "object",
    properties: {
      port: {
        type: "integer",
        minimum: 1,
        maximum: 65535,
        default: 2379,
        description: "TCP port, and UDP too if it is 53: 2379 (etcd), 6443 (the API server), 53 (DNS).",
      },
      from: {
        type: "string",
        enum: ["node", "pods"],
        default: "node",
        description: "Whose connections: the node's own, or those of its pods; of pods port 53 only.",
      },
    },
    additionalProperties: false,
  },
  sees: "Connection refused, though the service listens and its port is open from elsewhere. The API server goes on until it has to connect to etcd anew.",
  hints: [
    "It listens, and it refuses. Is it the same one who does both?",
    "Not all rules drop something. Some lead astray.",
    "`iptables -t nat -S`: look for REDIRECT and DNAT that are not Kubernetes' own.",
  ],
  find: ["iptables -t nat -S | grep REDIRECT", "ss -ltn"],
  fix: [`iptables -t nat -D OUTPUT -p tcp -m tcp --dport 2379 -j REDIRECT --to-ports ${NOWHERE}`],
  metric: "probe_success of a TCP check on the node itself; coredns_dns_requests_total that falls.",
  prevention: "Drop CAP_NET_ADMIN, and compare the nat tables of all nodes, less what kube-proxy writes.",
  refusal({ port, from }, { spare, activeUnits }) {
    if (spare.includes(port)) return `port ${port} is to be kept reachable`;
    if (from === "node") return undefined;
    if (port !== 53) return "of pods only the way to their name server is known: `port` must be 53";
    return activeUnits.includes("kubelet.service") ? undefined : "no pods run here, as the kubelet does not";
  },
  operations: ({ port, from }) =>
    protocolsOf(port).map((protocol) =>
      firewallRule(
        ["-p", protocol, "-m", protocol, "--dport", String(port), "-j", "REDIRECT", "--to-ports", NOWHERE],
        { table: "nat", chain: from === "node" ? "OUTPUT" : "PREROUTING" },
      ),
    ),
  symptom: ({ port, from }) => (from === "node" ? portRefused(port) : podsNameserverSilent("pod")),
});
