import type { EtcdClient } from "../operations/etcd-client.ts";
import { lines, sh, trusted } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** Buckets of etcd's histogram, in seconds as it writes them. */
const buckets = { 64: "0.064", 128: "0.128", 256: "0.256", 512: "0.512", 1024: "1.024" } as const;

const encoded = (text: string) => Buffer.from(text).toString("base64");

/** A put behind a condition that never holds: it is in etcd's log like any other, and changes nothing. */
const transaction = JSON.stringify({
  compare: [{ key: encoded("/probe"), target: "VERSION", result: "GREATER", version: "9223372036854775806" }],
  success: [{ requestPut: { key: encoded("/probe"), value: encoded("x") } }],
});

/**
 * Of some writes, etcd needs more than so many milliseconds for most to be on the disk, as it says itself at its
 * metrics' port, where kubeadm's etcd has it.
 */
export function etcdSyncSlow(
  { endpoint, cacert, cert, key }: EtcdClient,
  milliseconds: keyof typeof buckets,
): Probe {
  const address = `${endpoint}/v3/kv/txn`;
  return {
    title: `etcd needs more than ${milliseconds} ms to write to its disk`,
    commands: ["curl"],
    script: lines(
      sh`bucket=${buckets[milliseconds]}`,
      trusted(String.raw`
syncs() { # line of the histogram
  curl -s -f --noproxy '*' --max-time 5 http://127.0.0.1:2381/metrics |
    sed -n "s/^etcd_disk_wal_fsync_duration_seconds_$1 //p"
}
fast=$(syncs "bucket{le=\"$bucket\"}") && all=$(syncs count) && [ -n "$all" ] || exit 2`),
      // One login for all of them, one after the other.
      sh`curl -s --noproxy '*' --max-time 20 --cacert ${cacert} --cert ${cert} --key ${key} --data ${transaction} ${Array<string>(5).fill(address)}`,
      trusted(String.raw`
fast=$(($(syncs "bucket{le=\"$bucket\"}") - fast)) all=$(($(syncs count) - all))
[ "$all" -gt 0 ] || exit 2
[ $((fast * 2)) -lt "$all" ]`),
    ),
  };
}
