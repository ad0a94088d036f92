import { clusterBreaks } from "./proof.ts";
import { proveOnCluster } from "./prove-on-cluster.ts";

// Most of these make parts of the control plane start anew, and take half of the time of all: they have a cluster of their
// own, beside that of the others.
proveOnCluster([
  ...clusterBreaks.filter((id) => id.startsWith("control-plane/")),
  "network/firewall-drop@cp1 port=6443",
  "control-plane/malformed-yaml",
  "files/immutable",
  "files/immutable path=/var/lib/etcd/member/snap/db",
  "files/unicode-doppelganger path=/etc/kubernetes/manifests/kube-scheduler.yaml text=--leader-elect=",
  "persistence/rogue-systemd-unit",
  "etcd/quota-fill",
]);
