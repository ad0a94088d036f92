import { appendFile, defineBreak, swap, swapInUse, unitOfPath } from "kbreak";

export default defineBreak({
  title: "Swap is back",
  summary:
    "A swap file is made and used, and a line of /etc/fstab brings it back at every boot. The kubelet runs on until it is started the next time: with swap it refuses to start.",
  difficulty: "easy",
  source: "Kubernetes Bare Metal Deep Dive; Klustered",
  reboot: "re-arms",
  needs: { kernel: "own" },
  parameters: {
    type: "object",
    properties: {
      path: {
        type: "string",
        pattern: "^(/(?!\\.\\.?(/|$))[A-Za-z0-9_.@+:-]+)+$",
        default: "/swapfile",
        description: "The swap file; there must be nothing yet.",
      },
      mebibytes: { type: "integer", minimum: 1, maximum: 4096, default: 64, description: "Its size in MiB." },
    },
    additionalProperties: false,
  },
  sees: 'After the next start of the kubelet, or of the node, the node is NotReady and the kubelet restarts for ever: "running with swap on is not supported, please disable swap".',
  hints: [
    "The kubelet says why it does not start.",
    "It says it even when somebody has switched that off: what switches it on again?",
    "swapon --show; then look at /etc/fstab",
  ],
  find: ["swapon --show", "grep -w swap /etc/fstab"],
  fix: ["swapoff -a", "sed -i '\\|^/swapfile |d' /etc/fstab", "systemctl daemon-reload", "rm -f /swapfile"],
  metric: "node_memory_SwapTotal_bytes, which is 0 on a node of Kubernetes.",
  prevention: "Check at boot that nothing swaps, mask swap.target, and keep /etc/fstab in version control.",
  operations: ({ path, mebibytes }) => [
    swap(path, mebibytes),
    appendFile("/etc/fstab", `${path} none swap sw 0 0`, { reload: unitOfPath(path, "swap") }),
  ],
  symptom: () => swapInUse(),
});
