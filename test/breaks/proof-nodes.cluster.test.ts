import { apiBreaks, clusterBreaks } from "./proof.ts";
import { proveOnCluster } from "./prove-on-cluster.ts";

proveOnCluster([
  ...clusterBreaks.filter((id) => !id.startsWith("control-plane/") && !apiBreaks.includes(id)),
  "systemd/unit-stopped unit=containerd.service state=stopped",
  "network/nat-redirect from=pods port=53",
  "access/kubeconfig-exec-helper",
  "access/kubeconfig-exec-helper deployment=default/web",
]);
