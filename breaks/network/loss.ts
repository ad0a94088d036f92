import { defineBreak, hostBehind, lostAnswers, qdisc, wayRefusal } from "kbreak";

export default defineBreak({
  title: "Packets get lost",
  summary:
    "netem drops a part of what leaves a network device, or all of it: of the node's own, or of an overlay such as cilium_vxlan or flannel.1. Firewall rules are clean and nothing is logged. kbreak's own way in is spared.",
  difficulty: "medium",
  source: "Klustered, small surprises",
  reboot: "vanishes",
  dangers: ["lockout"],
  parameters: {
    type: "object",
    properties: {
      device: {
        type: "string",
        pattern: "^([A-Za-z0-9_][A-Za-z0-9_.+~-]{0,14})?$",
        default: "",
        description: "Network device, an overlay's too. Default: that of the default route.",
      },
      percent: { type: "integer", minimum: 10, maximum: 100, default: 30, description: "How many are lost." },
      peers: {
        type: "array",
        items: { type: "string", pattern: "^([0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(/[0-9]+)?$" },
        default: [],
        description: "Only packets to these addresses or networks. Default: all.",
      },
      probe: {
        type: "string",
        pattern: "^[A-Za-z0-9.:-]*$",
        default: "",
        description:
          "A host behind the device that answers pings. Default: the first peer that is no network, or the gateway.",
      },
    },
    additionalProperties: false,
  },
  sees: "Connections stall, retry and time out, some of them; with 100 percent on an overlay, pods of other nodes are out of reach while the nodes themselves are fine.",
  hints: [
    "It works when you try it again.",
    "Count how many of twenty pings come back, on each device.",
    "The firewall is not the only one that drops packets: tc -s qdisc show",
  ],
  find: [
    "ping -c 20 -i 0.2 \"$(ip route show default | sed 's/.* via \\([^ ]*\\).*/\\1/')\"",
    "tc -s qdisc show",
  ],
  fix: [
    "tc qdisc del dev \"$(ip -o route show default | sed 's/.* dev \\([^ ]*\\).*/\\1/' | head -n 1)\" root",
  ],
  metric: "node_netstat_Tcp_RetransSegs; probe_success of a blackbox exporter between nodes.",
  prevention: "Drop CAP_NET_ADMIN, and alert on retransmissions; watch queueing disciplines for changes.",
  refusal: wayRefusal,
  operations: ({ device, percent, peers }, facts) => [
    qdisc(device || (facts.device ?? ""), ["netem", "loss", `${percent}%`], { peers, spare: facts.spare }),
  ],
  symptom: (way, facts) => lostAnswers(hostBehind(way, facts) ?? "", way.percent),
  patience: 60,
});
