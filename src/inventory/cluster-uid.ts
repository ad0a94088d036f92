import { administratorLibrary } from "../operations/administrator.ts";
import { lines, trusted } from "../shell.ts";

/**
 * What decides whom a control plane asks for the uid, and where that one has its objects. A run that changes one of these may
 * make it another uid, and the cluster is the same all the same.
 */
export const uidFiles = [
  "/etc/kubernetes/super-admin.conf",
  "/etc/kubernetes/admin.conf",
  "/etc/kubernetes/manifests/kube-apiserver.yaml",
  "/etc/kubernetes/manifests/etcd.yaml",
  "/etc/default/etcd",
  "/var/lib/etcd",
] as const;

/**
 * Defines `cluster_uid`: prints the uid of the cluster's namespace kube-system, which lives as long as the cluster. Nothing
 * on workers, and where no API server answers within three seconds.
 */
export const clusterUidFunction = lines(
  administratorLibrary,
  trusted(String.raw`cluster_uid() {
  administer get --raw /api/v1/namespaces/kube-system --request-timeout 3s |
    sed -n 's/.*"name":"kube-system","uid":"\([0-9a-f-]*\)".*/\1/p'
} 2>/dev/null`),
);
