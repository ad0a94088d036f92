import { ballast, defineBreak, diskFull } from "kbreak";

export default defineBreak({
  title: "A disk that is full",
  summary:
    "One large file takes nearly all that is free on the node's disk, down to a floor that is never crossed. The kubelet reports DiskPressure, removes images, evicts pods and takes no new ones.",
  difficulty: "easy",
  source: "Kubernetes Bare Metal Deep Dive",
  reboot: "survives",
  dangers: ["data-loss"],
  parameters: {
    type: "object",
    properties: {
      path: {
        type: "string",
        pattern: "^/",
        default: "/var/log/kern.log.old",
        description: "The file, on the disk that is to be filled; there must be nothing yet.",
      },
      free: {
        type: "integer",
        minimum: 2,
        maximum: 50,
        default: 3,
        description:
          "Per cent of the disk that stay free; never less than 64 MiB. The kubelet evicts below 10 (images: 15).",
      },
    },
    additionalProperties: false,
  },
  sees: "The node has the condition DiskPressure and a taint; pods are evicted, images vanish, new pods stay Pending.",
  hints: [
    "The node says itself what it is short of.",
    "Who has taken it? It is one of the oldest questions to a server.",
    "`df -h`, then `du -xh --max-depth=1 /var | sort -h`, folder by folder down.",
  ],
  find: ["df -h /var/log", "find /var -xdev -type f -size +100M -exec ls -lh {} +"],
  fix: ["rm -f /var/log/kern.log.old"],
  metric:
    "node_filesystem_avail_bytes / node_filesystem_size_bytes; predict_linear of it warns hours before.",
  prevention:
    "Alert at 20 %, give /var/log and /var/lib/containerd file systems of their own, and rotate what grows.",
  operations: ({ path, free }) => [ballast(path, free)],
  symptom: ({ path, free }) => diskFull(path, free),
});
