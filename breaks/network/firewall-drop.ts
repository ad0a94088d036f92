import { defineBreak, firewallRule, portSilent, udpSilent } from "kbreak";

const ruleOf = (traffic: string, port: number) =>
  traffic === "udp"
    ? ["-p", "udp", "-j", "DROP"]
    : ["-p", "tcp", "-m", "tcp", "--dport", String(port), "-j", "DROP"];

export default defineBreak({
  title: "A port behind a silent firewall",
  summary:
    "A rule of iptables drops what comes for one of the ports here: the kubelet's 10250, and logs and exec hang; the API server's 6443, and everything does; or all of UDP, which takes DNS and the tunnels between nodes. The service itself runs and is well.",
  difficulty: "easy",
  source: "Klustered path, the network",
  reboot: "vanishes",
  dangers: ["lockout"],
  parameters: {
    type: "object",
    properties: {
      port: {
        type: "integer",
        minimum: 1,
        maximum: 65535,
        default: 10250,
        description: "TCP port, such as 10250 (the kubelet), 6443 (the API server) or 2379 (etcd).",
      },
      traffic: {
        type: "string",
        enum: ["port", "udp"],
        default: "port",
        description: "What is dropped: what comes for the port, or everything that comes by UDP.",
      },
    },
    additionalProperties: false,
  },
  sees: "Connections to the port are neither taken nor refused: they hang until somebody gives up. kubectl logs and exec time out while the pods run.",
  hints: [
    "Does it refuse, or does it not answer? That is not the same.",
    "The process listens, and nothing reaches it.",
    "`iptables -S INPUT`, and what stands there before Kubernetes' own chains.",
  ],
  find: ["iptables -S INPUT", "ss -Hltn 'sport = :{port}'"],
  fix: ["iptables -D INPUT $(iptables -S INPUT | sed -n '/-j DROP$/{s/^-A INPUT//p;q}')"],
  metric: "probe_success of a TCP check on the port from another node.",
  prevention:
    "Keep a host's firewall in version control, and check the ports of the control plane from outside.",
  refusal({ port, traffic }, facts) {
    if (traffic === "port" && facts.spare.includes(port)) return `port ${port} is to be kept reachable`;
    return facts.device === undefined
      ? "there is no default route, so the node's address is not known"
      : undefined;
  },
  operations: ({ port, traffic }) => [firewallRule(ruleOf(traffic, port))],
  symptom: ({ port, traffic }, { device = "" }) =>
    traffic === "udp" ? udpSilent(device) : portSilent(device, port),
});
