import { BURST_BITS, defineBreak, hostBehind, qdisc, slowBurst, wayRefusal } from "kbreak";

/** Bytes that pass at once: a packet of any usual MTU, or a hundredth of a second. */
const freeBytes = (rate: number) => Math.max(10_000, Math.ceil((rate * 1000) / 8 / 100));

/** So long a packet waits before it is dropped instead: the burst that the symptom needs has to fit. */
const LONGEST_WAIT = "3s";

export default defineBreak({
  title: "A line as thin as a modem's",
  summary:
    "A token bucket limits what leaves a network device. Pings and handshakes are as fast as ever, as long as nobody sends much; then everything waits in a queue. kbreak's own way in is spared.",
  difficulty: "medium",
  source: "Kubernetes Day 2 Operations",
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
      rate: {
        type: "integer",
        minimum: 128,
        maximum: 2000,
        default: 256,
        description: "Kilobits a second.",
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
          "A host behind the device that answers pings. Default: the first peer that is no network, or the gateway.",
      },
    },
    additionalProperties: false,
  },
  sees: "Logs, image layers and etcd's snapshots crawl, and answers of all kinds become slow while something large is sent; a single ping is fast.",
  hints: [
    "A little is fast. And a lot?",
    "Send much at once, and measure how long the last of it takes.",
    "Look for a queue that is longer than it should be: tc -s qdisc show",
  ],
  find: [
    "ping -q -c 30 -l 30 -S 200000 -s 1400 \"$(ip route show default | sed 's/.* via \\([^ ]*\\).*/\\1/')\"",
    "tc -s qdisc show",
  ],
  fix: [
    "tc qdisc del dev \"$(ip -o route show default | sed 's/.* dev \\([^ ]*\\).*/\\1/' | head -n 1)\" root",
  ],
  metric: "node_network_transmit_bytes_total that is flat at a ceiling; node_qdisc_backlog.",
  prevention: "Drop CAP_NET_ADMIN, and measure throughput between nodes, not only round trips.",
  refusal: wayRefusal,
  operations: ({ device, rate, peers }, facts) => [
    qdisc(
      device || (facts.device ?? ""),
      ["tbf", "rate", `${rate}kbit`, "burst", `${freeBytes(rate)}b`, "latency", LONGEST_WAIT],
      { peers, spare: facts.spare },
    ),
  ],
  symptom(way, facts) {
    const wait = (BURST_BITS - freeBytes(way.rate) * 8) / way.rate;
    return slowBurst(hostBehind(way, facts) ?? "", Math.floor(wait / 2));
  },
  patience: 60,
});
