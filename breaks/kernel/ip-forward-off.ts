import { defineBreak, notForwarded, sysctl } from "kbreak";

export default defineBreak({
  title: "A node that passes nothing on",
  summary:
    "The kernel forwards no IPv4 packets any more. The node itself reaches everybody and is reached, so it stays Ready; but each packet from or to a pod is one for somebody else, and is dropped without a word.",
  difficulty: "medium",
  source: "Klustered, Walid",
  reboot: "vanishes",
  dangers: ["lockout"],
  parameters: { type: "object", properties: {}, additionalProperties: false },
  sees: "Pods of this node reach neither other nodes nor Services nor the outside, and nobody reaches them; everything that uses the host's network works. No rule drops anything, and nothing is logged.",
  hints: [
    "The node is well, its pods are alone.",
    "For a pod, the node is a router. What makes a Linux machine one?",
    "sysctl net.ipv4.ip_forward",
  ],
  find: ["sysctl net.ipv4.ip_forward", "grep -rs ip_forward /etc/sysctl.conf /etc/sysctl.d || true"],
  fix: ["sysctl -w net.ipv4.ip_forward=1"],
  metric: "node_netstat_Ip_Forwarding, which is 1 on a node of Kubernetes and 2 here.",
  prevention:
    "Keep the setting in /etc/sysctl.d, check it on every node (kubeadm does so only once), and alert on node_netstat_Ip_Forwarding.",
  refusal: (_parameters, { device, gateway }) =>
    device === undefined || gateway === undefined
      ? "there is no default route, so there is nobody to forward for"
      : undefined,
  operations: () => [sysctl("net.ipv4.ip_forward", 0)],
  symptom: (_parameters, { device = "", gateway = "" }) => notForwarded(device, gateway),
});
