import { type EtcdClient, etcdLibrary, etcdVariables } from "../operations/etcd-client.ts";
import { lines, trusted } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * etcd refuses a put.
 *
 * Asked without writing: a transaction whose condition never holds. etcd weighs the puts of both branches against its
 * quota before it looks at the condition (applierV3Capped.Txn), so it is refused exactly when a put would be; otherwise
 * its empty branch runs and not even the revision moves.
 */
export function etcdPutRefused(client: EtcdClient): Probe {
  return {
    title: "etcd refuses a put: database space exceeded",
    commands: [client.via === "host" ? "etcdctl" : "crictl"],
    script: lines(
      etcdLibrary,
      etcdVariables(client),
      trusted(String.raw`
answer=$(printf 'ver("/probe") > "9223372036854775806"\n\nput /probe x\n\n\n' | ectl txn 2>&1) && exit 1
case $answer in *'database space exceeded'*) exit 0 ;; *) echo "$answer" >&2; exit 2 ;; esac`),
    ),
  };
}
