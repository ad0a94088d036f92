import { lines, sh, trusted } from "../shell.ts";
import { type EtcdClient, etcdClientSchema, etcdLibrary, etcdVariables } from "./etcd-client.ts";
import { common, type OperationKind } from "./operation.ts";

export interface EtcdFillOperation {
  readonly kind: "etcd-fill";
  readonly client: EtcdClient;
  readonly prefix: string;
  readonly mebibytes: number;
}

const schema = {
  type: "object",
  description: "Write keys of our own into etcd until it raises its NOSPACE alarm.",
  properties: {
    kind: { const: "etcd-fill" },
    client: etcdClientSchema,
    prefix: {
      type: "string",
      minLength: 2,
      pattern: "^/(?!registry)[^\\u0000]+$",
      description: "Prefix of our keys, outside Kubernetes' /registry. No key may have it yet.",
    },
    mebibytes: { type: "integer", minimum: 1, maximum: 8192, description: "The most that is written." },
  },
  required: ["kind", "client", "prefix", "mebibytes"],
  additionalProperties: false,
} as const;

/**
 * Under the alarm etcd still deletes, compacts and defragments, so the way back needs neither free space nor the API
 * server. A value has 1 MiB: the default limit of a request is 1.5 MiB.
 */
const library = trusted(
  `${etcdLibrary.shell}${String.raw`
etcd_count() { # prefix
  ectl get --prefix --count-only --write-out=fields -- "$1" | sed -n 's/^"Count" : //p'
}
etcd_alarms() {
  ectl alarm list | sed -n 's/.*alarm:\([A-Z]*\).*/\1/p' | sort -u | tr '\n' ,
}
etcd_read() { # prefix
  keys=$(etcd_count "$1")
  [ -n "$keys" ] || { echo "etcd does not answer" >&2; return 1; }
  put keys "$keys"
  alarms=$(etcd_alarms)
  put alarms "a,$alarms"
  note free "$(df -Pm /var/lib/etcd 2>/dev/null | sed -n '2s/ \{1,\}/ /gp' | cut -d' ' -f4)"
}
etcd_fill() { # prefix most
  count=0
  while [ "$count" -lt "$2" ]; do
    # The alarm is what a fixer has to find, and the put that meets it is the first that fails.
    if ! message=$(head -c 1048576 /dev/zero | tr '\0' x | ectl put -- "$1$(printf %06d "$count")" 2>&1); then
      case $message in *'database space exceeded'*) return 0 ;; *) echo "$message" >&2; return 1 ;; esac
    fi
    count=$((count + 1))
  done
  echo "etcd took $2 MiB without reaching its quota" >&2
  return 1
}
etcd_empty() { # prefix disarm(yes|no)
  ectl del --prefix -- "$1" >/dev/null
  revision=$(ectl endpoint status --write-out=json | sed 's/.*"revision":\([0-9]*\).*/\1/')
  # Compacting what is compacted already is an error, and no harm.
  ectl compact --physical -- "$revision" >/dev/null 2>&1 || :
  ectl defrag --cluster >/dev/null 2>&1 || ectl defrag >/dev/null
  if [ "$2" = yes ]; then ectl alarm disarm >/dev/null; fi
}
`}`,
);

export const etcdFill: OperationKind<EtcdFillOperation> = {
  ...common,
  kind: "etcd-fill",
  summary: schema.description,
  schema,
  library,
  title: (spec) => `fill etcd below ${spec.prefix}`,
  owns: (spec) => [`etcd-keys:${spec.prefix}`, "etcd-alarms"],
  commands: (spec) => [spec.client.via === "host" ? "etcdctl" : "crictl"],
  dangers: () => ["data-loss"],
  read: (spec) => lines(etcdVariables(spec.client), sh`etcd_read ${spec.prefix}`),
  refusal(spec, before) {
    if (before.values.keys !== "0") return `etcd has ${before.values.keys} keys below ${spec.prefix} already`;
    if (before.values.alarms !== "a,") return `etcd has an alarm already: ${before.values.alarms?.slice(2)}`;
    // Defragmenting writes a second copy of the database.
    const needed = spec.mebibytes * 2;
    if (before.notes.free && Number(before.notes.free) < needed)
      return `etcd's disk has ${before.notes.free} MiB free, and ${needed} are needed to be safe`;
    return undefined;
  },
  apply: (spec) => lines(etcdVariables(spec.client), sh`etcd_fill ${spec.prefix} ${spec.mebibytes}`),
  restore: (spec, before) =>
    lines(etcdVariables(spec.client), sh`etcd_empty ${spec.prefix} ${before.values.alarms === "a,"}`),
  inEffect: (_spec, _before, now) => now.values.keys !== "0" && (now.values.alarms ?? "").includes("NOSPACE"),
  remains: (_spec, _before, now) => now.values.keys !== "0",
  preview: (spec) => ({ line: `${etcdFill.title(spec)} with 1 MiB values (at most ${spec.mebibytes} MiB)` }),
};
