import { defineBreak, firewallRule, loopbackLoses, sysctl } from "kbreak";

export default defineBreak({
  title: "No room for new connections",
  summary:
    "The kernel's table of connections is made so small that it is full. What is connected stays connected; the first packet of everything new is dropped, and only the kernel's log tells. kbreak's own way in is not tracked meanwhile.",
  difficulty: "hard",
  source: "Kubernetes Bare Metal Deep Dive",
  reboot: "vanishes",
  dangers: ["lockout"],
  needs: { kernel: "own" },
  parameters: {
    type: "object",
    properties: {
      max: {
        type: "integer",
        minimum: 1,
        default: 1,
        description: "Connections that the table holds. A quiet node fills only the smallest one.",
      },
    },
    additionalProperties: false,
  },
  sees: "New connections time out, within the node too; those that are open go on. Nothing listens wrongly and no rule drops anything.",
  hints: [
    "What works already goes on working. Why does nothing new begin?",
    "The packets are dropped before any rule sees them. Who keeps a list of connections?",
    "`dmesg | tail`, and `sysctl net.netfilter.nf_conntrack_max`",
  ],
  find: [
    "dmesg | grep nf_conntrack | tail -n 1",
    "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max",
  ],
  fix: ["sysctl -w net.netfilter.nf_conntrack_max=262144"],
  metric: "node_nf_conntrack_entries near node_nf_conntrack_entries_limit.",
  prevention: "Alert on the ratio of both; let kube-proxy set the limit (conntrack.maxPerCore).",
  reads: () => ["/proc/net/if_inet6"],
  refusal(_params, facts) {
    if (facts.spare.length > 15)
      return "a rule of iptables takes 15 ports, and more than that are to be spared";
    const port = facts.spare.find((one) => one >= 30000 && one <= 32767);
    return port === undefined
      ? undefined
      : `port ${port} is to be spared, and Kubernetes' NodePorts do not work without connection tracking`;
  },
  operations({ max }, facts) {
    const families = "/proc/net/if_inet6" in facts.files ? (["ip", "ip6"] as const) : (["ip"] as const);
    const spared = families.flatMap((family) =>
      ["PREROUTING", "OUTPUT"].map((chain) =>
        firewallRule(
          ["-p", "tcp", "-m", "multiport", "--ports", facts.spare.join(","), "-j", "CT", "--notrack"],
          { family, table: "raw", chain },
        ),
      ),
    );
    return [
      ...spared,
      // A rule that does nothing but ask: the kernel tracks connections only where somebody does.
      firewallRule(["-m", "conntrack", "--ctstate", "INVALID"], { chain: "OUTPUT", position: "append" }),
      sysctl("net.netfilter.nf_conntrack_max", max),
    ];
  },
  symptom: () => loopbackLoses(),
});
