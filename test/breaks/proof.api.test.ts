import { apiBreaks } from "./proof.ts";
import { proveOnCluster } from "./prove-on-cluster.ts";

proveOnCluster(apiBreaks.toSorted());
