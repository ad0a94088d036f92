import { defineBreak, qdisc, slowConnect } from "kbreak";

export default defineBreak({
  title: "etcd is far away",
  summary:
    "netem delays what belongs to etcd's ports, and nothing else. On the loopback device it is the way between the API server and its etcd; on the device of the network, with another member as the probe, the one between the members, which then lose their leader. Pings are fast.",
  difficulty: "hard",
  source: "Klustered path, the drills (latency); Kubernetes Day 2 Operations (control plane)",
  reboot: "vanishes",
  dangers: ["lockout"],
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      device: {
        type: "string",
        pattern: "^[A-Za-z0-9_][A-Za-z0-9_.+~-]{0,14}$",
        default: "lo",
        description: "Network device: lo for the node's own etcd, such as eth0 for other members.",
      },
      delay: { type: "integer", minimum: 10, maximum: 5000, default: 400, description: "Milliseconds." },
      jitter: {
        type: "integer",
        minimum: 0,
        maximum: 5000,
        default: 50,
        description: "Milliseconds more or less.",
      },
      ports: {
        type: "array",
        items: { type: "integer", minimum: 1, maximum: 65535 },
        default: [2379, 2380],
        description: "2379 is for clients, 2380 for the other members.",
      },
      probe: {
        type: "string",
        pattern: "^[A-Za-z0-9.:-]+$",
        default: "127.0.0.1",
        description: "A host behind the device on which something listens on the first port.",
      },
    },
    additionalProperties: false,
  },
  sees: "Every kubectl takes seconds, writes time out, leases of leaders run out and components restart; etcd logs that requests take too long, and its disk and CPU are idle.",
  hints: [
    "Everything that remembers is slow.",
    "A database that waits has a slow disk, or a slow way. Which one is it?",
    "`etcdctl endpoint status` and `ping` to the same host differ: look at tc -s qdisc show",
  ],
  find: [
    "curl -sk -o /dev/null -w '%{time_connect}\\n' https://127.0.0.1:2379/ || true",
    "tc -s qdisc show dev {device}",
    "tc filter show dev {device}",
  ],
  fix: ["tc qdisc del dev {device} root"],
  metric:
    "etcd_network_peer_round_trip_time_seconds; etcd_server_leader_changes_seen_total; etcd_request_duration_seconds of the API server.",
  prevention: "Drop CAP_NET_ADMIN, and alert on etcd's round trip times and changes of its leader.",
  refusal: ({ delay, jitter, ports }, { spare }) => {
    if (ports.length === 0) return "`ports` is empty";
    if (jitter >= delay) return "`jitter` must be less than `delay`, or some packets are not late";
    const kept = ports.find((port) => spare.includes(port));
    return kept === undefined ? undefined : `port ${kept} is to be kept reachable`;
  },
  operations: ({ device, delay, jitter, ports }, { spare }) => [
    qdisc(device, ["netem", "delay", `${delay}ms`, `${jitter}ms`], { ports, spare }),
  ],
  symptom: ({ delay, jitter, ports, probe }) =>
    slowConnect(probe, ports[0] ?? 2379, Math.max(1, Math.floor((delay - jitter) * 0.8))),
  patience: 60,
});
