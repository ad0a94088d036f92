import { defineBreak, largePacketRefused, link } from "kbreak";

export default defineBreak({
  title: "Large packets do not fit",
  summary:
    "The MTU of a network device is lower than what its neighbours use, as after a move to an overlay network or a VPN. Small packets pass, so pings, handshakes and short answers work; what is large vanishes or is refused.",
  difficulty: "medium",
  source: "Kubernetes Day 2 Operations, the network loop",
  reboot: "vanishes",
  dangers: ["lockout"],
  parameters: {
    type: "object",
    properties: {
      device: {
        type: "string",
        pattern: "^[^\\s/]{0,15}$",
        default: "",
        description: "Network device, an overlay's too. Default: that of the default route.",
      },
      mtu: {
        type: "integer",
        minimum: 576,
        maximum: 65000,
        default: 1280,
        description: "Bytes. Below 1280 only where the device has no IPv6.",
      },
      probe: {
        type: "string",
        pattern: "^[A-Za-z0-9.-]*$",
        default: "",
        description: "A host behind the device that answers pings. Default: the gateway.",
      },
    },
    additionalProperties: false,
  },
  sees: "Connections are made and then hang as soon as much is sent: TLS handshakes with long certificate chains, image pulls, logs. Pings work.",
  hints: [
    "What passes, and what does not?",
    "Send a packet that is larger than a ping usually is, and forbid cutting it up.",
    "Compare `ip link show` with a healthy node.",
  ],
  find: [
    "ip link show \"$(ip -o route show default | sed 's/.* dev \\([^ ]*\\).*/\\1/' | head -n 1)\"",
    "ping -c 1 -W 2 -M do -s 1400 \"$(ip -o route show default | sed 's/.* via \\([^ ]*\\).*/\\1/' | head -n 1)\" 2>&1 || true",
  ],
  fix: [
    "ip link set dev \"$(ip -o route show default | sed 's/.* dev \\([^ ]*\\).*/\\1/' | head -n 1)\" mtu 1500",
  ],
  metric: "node_network_mtu_bytes that differs between nodes; node_netstat_Tcp_RetransSegs.",
  prevention:
    "Alert when nodes differ in their MTU, and set an overlay's MTU from that of the network below.",
  refusal({ device, probe }, facts) {
    if (device === "" && facts.device === undefined)
      return "there is no default route, so `device` must be given";
    if (probe === "" && facts.gateway === undefined)
      return "there is no gateway to send a large packet to, so `probe` must be given";
    return undefined;
  },
  operations: ({ device, mtu }, facts) => [link(device || (facts.device ?? ""), { mtu })],
  symptom: ({ mtu, probe }, facts) => largePacketRefused(probe || (facts.gateway ?? ""), mtu + 1),
});
