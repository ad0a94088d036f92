import { defineBreak, dropPort, packetFilter, portSilent } from "kbreak";

export default defineBreak({
  title: "A port that a program in the kernel keeps shut",
  summary:
    "A BPF program at the network devices drops what comes for a port, before any firewall sees it. iptables and nftables are clean, no process holds it, and no file says so.",
  difficulty: "hard",
  source: "Klustered part XV; What David Flanagan Learned (eBPF)",
  reboot: "vanishes",
  dangers: ["lockout"],
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      port: {
        type: "integer",
        minimum: 1,
        maximum: 65535,
        default: 2379,
        description: "TCP port, such as 2379 (etcd), 6443 (the API server) or 10250 (the kubelet).",
      },
      devices: {
        type: "array",
        items: { type: "string", pattern: "^[A-Za-z0-9_][A-Za-z0-9_.+~-]{0,14}$" },
        default: ["lo"],
        description:
          "Network devices besides that of the default route: lo has what the node says to itself.",
      },
    },
    additionalProperties: false,
  },
  sees: "Connections to the port hang, from the node itself and from others. The service listens; tcpdump sees the packets come, and nobody answers. Every firewall is clean.",
  hints: [
    "They arrive, and they do not reach the firewall.",
    "Between the network card and the firewall there is one more place where packets are looked at.",
    "`tc filter show dev lo ingress`, and the same for the other devices; `bpftool net` on a node that has it.",
  ],
  find: ["tc qdisc show | grep clsact", "tc filter show dev lo ingress"],
  fix: [
    "tc qdisc del dev lo clsact",
    "tc qdisc del dev \"$(ip -o route show default | sed 's/.* dev \\([^ ]*\\).*/\\1/' | head -n 1)\" clsact",
  ],
  metric: "probe_success of a TCP check on the port; the number of loaded programs (bpftool prog list).",
  prevention:
    "Drop CAP_NET_ADMIN and CAP_BPF, and watch qdiscs and BPF programs of the nodes, less those of the network add-on.",
  refusal({ port }, { spare, device }) {
    if (spare.includes(port)) return `port ${port} is to be kept reachable`;
    return device === undefined ? "there is no default route, so the node's address is not known" : undefined;
  },
  operations: ({ port, devices }, { device = "" }) =>
    [...new Set([...devices, device])].map((one) => packetFilter(one, "ingress", dropPort("tcp", port))),
  symptom: ({ port }, { device = "" }) => portSilent(device, port),
});
