import { defineBreak, hostBehind, qdisc, slowAnswer, slowConnect, wayRefusal } from "kbreak";

export default defineBreak({
  title: "Everything is slow",
  summary:
    "netem delays what leaves a network device, with jitter, for all packets or only for some ports or peers. The CPU is idle and no error is logged anywhere. kbreak's own way in is spared.",
  difficulty: "medium",
  source: "Klustered, Alex Jones & Alistair Hey",
  reboot: "vanishes",
  dangers: ["lockout"],
  parameters: {
    type: "object",
    properties: {
      device: {
        type: "string",
        pattern: "^([A-Za-z0-9_][A-Za-z0-9_.+~-]{0,14})?$",
        default: "",
        description: "Network device. Default: that of the default route.",
      },
      delay: { type: "integer", minimum: 1, maximum: 10000, default: 300, description: "Milliseconds." },
      jitter: {
        type: "integer",
        minimum: 0,
        maximum: 10000,
        default: 30,
        description: "Milliseconds more or less.",
      },
      ports: {
        type: "array",
        items: { type: "integer", minimum: 1, maximum: 65535 },
        default: [],
        description: "Only packets from or to these ports. Default: all.",
      },
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
          "A host that shows the delay: by its ping, or by a TCP connection to the first port. Default: the first peer that is no network, or the gateway.",
      },
    },
    additionalProperties: false,
  },
  sees: "Every answer takes its time, ssh sessions to others too; load, memory and disks are fine.",
  hints: [
    "What is slow: the program, the machine or the way between?",
    "Measure a round trip to a neighbour.",
    "tc qdisc show",
  ],
  find: ["ping -c 3 \"$(ip route show default | sed 's/.* via \\([^ ]*\\).*/\\1/')\"", "tc qdisc show"],
  fix: [
    "tc qdisc del dev \"$(ip -o route show default | sed 's/.* dev \\([^ ]*\\).*/\\1/' | head -n 1)\" root",
  ],
  metric: "Round trip times of a blackbox exporter; etcd_network_peer_round_trip_time_seconds.",
  prevention: "Drop CAP_NET_ADMIN, and alert on round trip times between nodes.",
  refusal: wayRefusal,
  operations: ({ device, delay, jitter, ports, peers }, facts) => [
    qdisc(device || (facts.device ?? ""), ["netem", "delay", `${delay}ms`, `${jitter}ms`], {
      ports,
      peers,
      spare: facts.spare,
    }),
  ],
  symptom(way, facts) {
    const { delay, jitter, ports } = way;
    const host = hostBehind(way, facts) ?? "";
    const least = Math.max(1, Math.floor((delay - jitter) * 0.8));
    return ports[0] === undefined ? slowAnswer(host, least) : slowConnect(host, ports[0], least);
  },
  patience: 60,
});
