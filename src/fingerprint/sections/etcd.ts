import { sh } from "../../shell.ts";
import { entriesOf, readable, sha256 } from "../entries.ts";
import type { Section } from "../section.ts";
import { isVolatile, volatileKeys } from "../volatile.ts";

/** Longer values are hashed on the node; a process for each of a thousand short ones would take seconds. */
const hauledUpTo = 4096;

const awk = `
/^"Key" : / { print }
/^"Value" : / {
  if (length($0) <= ${hauledUpTo}) { print; next }
  fflush()
  print | "sha256sum"
  close("sha256sum")
}`;

/** The text in Go's quotes: \\xNN stands for a byte, \\u and \\U for a character. */
export function unquote(quoted: string): Buffer {
  const named: Readonly<Record<string, string>> = {
    n: "\n",
    t: "\t",
    r: "\r",
    a: "\x07",
    b: "\b",
    f: "\f",
    v: "\v",
  };
  const parts = quoted.slice(1, -1).split(/(\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.))/);
  return Buffer.concat(
    parts.map((part) => {
      if (!part.startsWith("\\")) return Buffer.from(part);
      const code = Number.parseInt(part.slice(2), 16);
      if (part[1] === "x") return Buffer.of(code);
      if (part[1] === "u" || part[1] === "U") return Buffer.from(String.fromCodePoint(code));
      const char = part[1] ?? "";
      return Buffer.from(named[char] ?? char);
    }),
  );
}

function keysOf(lines: readonly string[]): readonly (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  let key = "";
  for (const line of lines) {
    if (line.startsWith('"Key" : ')) key = readable(unquote(line.slice('"Key" : '.length)));
    else pairs.push([key, /^[0-9a-f]{64} {2}-$/.test(line) ? line.slice(0, 64) : sha256(`${line}\n`)]);
  }
  return pairs;
}

interface Member {
  readonly name?: string;
  readonly peerURLs?: readonly string[];
  readonly clientURLs?: readonly string[];
  readonly isLearner?: boolean;
}

function memberOf(member: Member): readonly [string, string] {
  const urls = [...(member.peerURLs ?? []), ...(member.clientURLs ?? [])].join(" ");
  return [`member ${member.name ?? "that has not started"}`, `${member.isLearner ? "learner " : ""}${urls}`];
}

// kubeadm's certificate for health checks may read everything. Without etcdctl on the node, the one in etcd's own
// container is used, which sees the certificates by the same paths.
const client = sh`
[ -n "$(ss -H -t -l -n 'sport = :2379')" ] || { because 'nothing listens on port 2379'; exit 1; }
pki=/etc/kubernetes/pki/etcd
if [ -e "$pki/healthcheck-client.crt" ]; then
  set -- --endpoints=https://127.0.0.1:2379 --cacert="$pki/ca.crt" \
    --cert="$pki/healthcheck-client.crt" --key="$pki/healthcheck-client.key"
else
  set -- --endpoints=http://127.0.0.1:2379
fi
set -- "$@" --dial-timeout=3s --command-timeout=10s
export ETCDCTL_API=3
if command -v etcdctl >/dev/null; then
  ask() { etcdctl "$@"; }
elif command -v crictl >/dev/null; then
  container=$(crictl ps -q --name '^etcd$' | head -n 1)
  ask() { crictl exec "$container" etcdctl "$@"; }
else
  because 'there is neither etcdctl nor crictl'
  exit 1
fi`;

const programs = ["ss", "awk", "sha256sum"];

/** What tells that nothing of {@link etcd} changed: whatever changes it goes through its log of changes, and is counted. */
export const etcdLog: Section = {
  name: "etcd's log",
  programs,
  script: sh`${client}
ask "$@" endpoint status -w json`,
  read: (output) =>
    entriesOf(
      [
        ...output
          .toString("utf8")
          .matchAll(/"(cluster_id|member_id|raft_term|raftIndex|raftAppliedIndex)":(\d+)/g),
      ].map(([, name = "", number = ""]) => [name, number] as const),
    ),
};

/** Keys with the hash of each value, members, alarms and authentication. No revisions: no undo takes them back. */
export const etcd: Section = {
  name: "etcd",
  programs,
  // Each call of etcdctl takes an emulated machine a second, so what asks for the keys also tells whether etcd answers.
  script: sh`${client}
exec 4>&1
answers=$( { { ask "$@" get '' --prefix --consistency=s -w fields && echo yes >&5; } | awk ${awk} >&4; } 5>&1 )
[ -n "$answers" ] || { because 'etcd does not answer'; exit 1; }
echo = members; ask "$@" member list -w json
echo = alarms; ask "$@" alarm list
echo = auth; ask "$@" auth status -w json
:`,
  read: (output) => {
    const text = output.toString("utf8");
    const [keys = "", members = "", alarms = "", auth = ""] = text.split(/^= .*\n/m);
    const pairs = keysOf(keys.split("\n").filter((line) => line !== "")).filter(
      ([key]) => !isVolatile(volatileKeys, key),
    );
    const list = members.trim() === "" ? [] : ((JSON.parse(members).members ?? []) as readonly Member[]);
    return entriesOf([
      ["count of keys", String(pairs.length)],
      ...pairs.map(([key, hash]) => [`key ${key}`, hash] as const),
      ...list.map(memberOf),
      ...[...alarms.matchAll(/alarm:(\S+)/g)].map(([, alarm]) => [`alarm ${alarm}`, "raised"] as const),
      ["authentication", auth.includes('"enabled":true') ? "on" : "off"],
    ]);
  },
};
