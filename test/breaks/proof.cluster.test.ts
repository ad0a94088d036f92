import { describe } from "vitest";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { cluster } from "./grounds.ts";
import { clusterBreaks, prove } from "./proof.ts";
import { shareOf } from "./share.ts";

const all = [
  // Its nodes have the control groups of this machine, of which systemd may not be able to freeze any; namespace nodes
  // show it with another service.
  ...clusterBreaks.filter((id) => id !== "systemd/process-frozen"),
  "systemd/unit-stopped unit=containerd.service state=stopped",
  "network/firewall-drop@cp1 port=6443",
  "network/nat-redirect from=pods port=53",
  "control-plane/malformed-yaml",
  "files/immutable",
  "files/immutable path=/var/lib/etcd/member/snap/db",
  "files/unicode-doppelganger path=/etc/kubernetes/manifests/kube-scheduler.yaml text=--leader-elect=",
  "persistence/rogue-systemd-unit",
  "access/kubeconfig-exec-helper",
  "access/kubeconfig-exec-helper deployment=default/web",
  "etcd/quota-fill",
];

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "on a cluster", () => {
  prove({ ground: cluster(), breaks: shareOf(all) });
});
