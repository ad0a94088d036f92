import { describe } from "vitest";
import { cachedPrograms } from "../../src/lab/kubernetes/programs.ts";
import { cluster } from "./grounds.ts";
import { clusterBreaks, prove } from "./proof.ts";

const missing =
  cachedPrograms() === undefined
    ? "no programs of a Kubernetes in the cache; with Go, test/lab/kubernetes/build.sh makes them"
    : undefined;

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

/** In how many shares they are proven, another one each day: CI has not the time for all. */
const shares = Number(process.env.KBREAK_CLUSTER_SHARES ?? "1");
const today = Math.floor(Date.now() / 86_400_000) % shares;
const isToday = (_: string, index: number) => index % shares === today;
const others = all.filter((title, index) => !isToday(title, index));
if (others.length > 0) console.log(`left to other days: ${others.join(", ")}`);

describe.skipIf(missing !== undefined)(missing ?? "on a cluster", () => {
  prove({ ground: cluster(), breaks: all.filter(isToday) });
});
