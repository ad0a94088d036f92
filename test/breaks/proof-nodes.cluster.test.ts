import { describe } from "vitest";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { cluster } from "./grounds.ts";
import { apiBreaks, clusterBreaks, prove } from "./proof.ts";
import { shareOf } from "./share.ts";

const all = [
  ...clusterBreaks.filter((id) => !id.startsWith("control-plane/") && !apiBreaks.includes(id)),
  "systemd/unit-stopped unit=containerd.service state=stopped",
  "network/nat-redirect from=pods port=53",
  "access/kubeconfig-exec-helper",
  "access/kubeconfig-exec-helper deployment=default/web",
];

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "on a cluster", () => {
  prove({ ground: cluster(), breaks: shareOf(all) });
});
