import { expect, it } from "vitest";
import { authorityFiles, clusterCheck } from "../../src/inventory/authorities.ts";

const known = { authorities: ["A"], clusterUid: "a-1" };

it.each<[string, readonly string[], number, boolean]>([
  ["nothing", [], 0, true],
  [
    "what tells nothing of the cluster",
    ["/etc/motd", "/etc/kubernetes/manifests/kube-scheduler.yaml"],
    0,
    true,
  ],
  ["a certificate", ["/etc/kubernetes/pki/ca.crt"], 1, true],
  ["a folder of certificates", ["/etc/kubernetes/pki/etcd"], 1, true],
  ["the API server's manifest", ["/etc/kubernetes/manifests/kube-apiserver.yaml"], 0, false],
  ["something in etcd's folder", ["/var/lib/etcd/member"], 0, false],
  ["all of Kubernetes' settings", ["/etc/kubernetes"], authorityFiles.length, false],
])("a cluster is not known by what has been changed: %s", (_what, changed, unknown, byUid) => {
  const { files, uid } = clusterCheck(known, changed);
  expect(files).toHaveLength(authorityFiles.length - unknown);
  expect(uid).toBe(byUid ? "a-1" : undefined);
});
