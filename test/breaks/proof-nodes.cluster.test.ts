import { describe } from "vitest";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { cluster } from "./grounds.ts";
import { clusterBreaks, prove } from "./proof.ts";
import { shareOf } from "./share.ts";

const all = [
  // Its nodes have the control groups of this machine, of which systemd may not be able to freeze any; namespace nodes
  // show it with another service.
  ...clusterBreaks.filter((id) => !id.startsWith("control-plane/") && id !== "systemd/process-frozen"),
  "systemd/unit-stopped unit=containerd.service state=stopped",
  "network/nat-redirect from=pods port=53",
  "access/kubeconfig-exec-helper",
  "access/kubeconfig-exec-helper deployment=default/web",
];

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "on a cluster", () => {
  prove({ ground: cluster(), breaks: shareOf(all) });
});
