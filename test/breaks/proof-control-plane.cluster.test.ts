import { describe } from "vitest";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { cluster } from "./grounds.ts";
import { clusterBreaks, prove } from "./proof.ts";
import { shareOf } from "./share.ts";

// What is broken here takes the API server or etcd with it: about half of the time, so that two clusters are used.
const all = [
  ...clusterBreaks.filter((id) => id.startsWith("control-plane/")),
  "network/firewall-drop@cp1 port=6443",
  "control-plane/malformed-yaml",
  "files/immutable",
  "files/immutable path=/var/lib/etcd/member/snap/db",
  "files/unicode-doppelganger path=/etc/kubernetes/manifests/kube-scheduler.yaml text=--leader-elect=",
  "persistence/rogue-systemd-unit",
  "etcd/quota-fill",
];

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "on a cluster", () => {
  prove({ ground: cluster(), breaks: shareOf(all) });
});
