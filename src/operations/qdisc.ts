import { sh, trusted } from "../shell.ts";
import { common, field, type OperationKind, type State } from "./operation.ts";

export interface QdiscOperation {
  readonly kind: "qdisc";
  readonly device: string;
  readonly discipline: readonly string[];
  readonly ports?: readonly number[];
  readonly peers?: readonly string[];
  readonly spare?: readonly number[];
}

const schema = {
  type: "object",
  description: "Shape what leaves a network device with a queueing discipline such as netem.",
  properties: {
    kind: { const: "qdisc" },
    device: {
      type: "string",
      pattern: "^[^\\s/-][^\\s/]{0,14}$",
      description: "Network device, such as eth0.",
    },
    discipline: {
      type: "array",
      minItems: 1,
      items: { type: "string", pattern: "^[A-Za-z0-9._%/-]+$" },
      description: "As behind `tc qdisc add … handle …`: such as [netem, delay, 100ms, 10ms].",
    },
    ports: {
      type: "array",
      items: { type: "integer", minimum: 1, maximum: 65535 },
      description: "Only TCP and UDP packets from or to these ports. Default: every packet.",
    },
    peers: {
      type: "array",
      items: { type: "string", pattern: "^[0-9.]+(/[0-9]+)?$" },
      description: "Only packets to these IPv4 addresses or networks. Default: every packet.",
    },
    spare: {
      type: "array",
      items: { type: "integer", minimum: 1, maximum: 65535 },
      description:
        "Ports whose packets are never shaped, besides those of the control channel and of `keep`.",
    },
  },
  required: ["kind", "device", "discipline"],
  additionalProperties: false,
} as const;

/** The root's handle: ours is recognised by it, and only ours is ever removed. */
const HANDLE = "7a31";

/**
 * htb at the root, because it is classful and present wherever u32 is: class 1 lets pass, class 2 holds the discipline.
 * The default class is 1 while the filters are being added, so that there is no moment in which the control channel is
 * shaped; the catch-all filter comes last. `prio` would need no rates, but is missing from more kernels.
 */
const library = trusted(
  String.raw`
qdisc_root() { # device: kind and handle of the root discipline
  tc qdisc show dev "$1" | sed -n 's/^qdisc \([^ ]*\) \([^ ]*\) root.*/\1 \2/p' | head -n 1
}
qdisc_read() { # device discipline...
  if [ -e "/sys/class/net/$1" ]; then
    put device present
    put root "$(qdisc_root "$1" | tr ' ' ,)"
    shift
    note known "$(qdisc_known "$@")"
  else put device absent
  fi
}
qdisc_known() { # discipline...: does this kernel take it? Asked in a network namespace of its own, which ends at once
  unshare -n tc qdisc add dev lo root handle 1: htb 2>/dev/null || { echo no htb; return; }
  if message=$(unshare -n tc qdisc add dev lo root "$@" 2>&1); then echo yes; return; fi
  case $message in
  *"kind is unknown"*|*"No such file"*) echo "no $1" ;;
  *) printf '%s' "$message" | head -n 1 ;;
  esac
}
qdisc_pass() { # device priority selector...: let these packets pass
  device=$1 prio=$2; shift 2
  tc filter add dev "$device" parent ${HANDLE}: protocol ip prio "$prio" u32 "$@" flowid ${HANDLE}:1
}
qdisc_shape() { # device priority selector...: send these packets through the discipline
  device=$1 prio=$2; shift 2
  tc filter add dev "$device" parent ${HANDLE}: protocol ip prio "$prio" u32 "$@" flowid ${HANDLE}:2
}
qdisc_add() { # device discipline...
  device=$1; shift
  tc qdisc add dev "$device" root handle ${HANDLE}: htb default 1
  tc class add dev "$device" parent ${HANDLE}: classid ${HANDLE}:1 htb rate 100gbit quantum 60000
  tc class add dev "$device" parent ${HANDLE}: classid ${HANDLE}:2 htb rate 100gbit quantum 60000
  tc qdisc add dev "$device" parent ${HANDLE}:2 handle 7a32: "$@"
}
qdisc_del() { # device
  [ -e "/sys/class/net/$1" ] || return 0
  case $(qdisc_root "$1") in "htb ${HANDLE}:") tc qdisc del dev "$1" root ;; esac
}
`,
);

const ours = (state: State) => state.values.root === `htb,${HANDLE}:`;

/** u32 selectors for a port on either side; the protocol's number is left out, as only TCP and UDP have ports. */
const portSelectors = (port: number): string[][] => [
  ["match", "ip", "sport", String(port), "0xffff"],
  ["match", "ip", "dport", String(port), "0xffff"],
];

function shaped(spec: QdiscOperation): string[][] {
  const peers = (spec.peers ?? []).map((peer) => ["match", "ip", "dst", peer]);
  const ports = (spec.ports ?? []).flatMap(portSelectors);
  if (peers.length === 0 && ports.length === 0) return [["match", "u32", "0", "0"]];
  if (peers.length === 0) return ports;
  if (ports.length === 0) return peers;
  return peers.flatMap((peer) => ports.map((port) => [...peer, ...port]));
}

export const qdisc: OperationKind<QdiscOperation> = {
  ...common,
  kind: "qdisc",
  summary: schema.description,
  schema,
  library,
  title: (spec) => `${spec.discipline.join(" ")} on ${spec.device}`,
  owns: (spec) => [`qdisc:${spec.device}`],
  commands: () => ["tc", "unshare"],
  dangers: () => ["lockout"],
  read: (spec) => sh`qdisc_read ${spec.device} ${spec.discipline}`,
  refusal(spec, before) {
    if (before.values.device === "absent") return `there is no network device ${spec.device}`;
    const known = field(before.notes, "known");
    if (known.startsWith("no ")) return `the kernel has ${known} queueing discipline`;
    if (known !== "yes") return `tc does not take ${JSON.stringify(spec.discipline.join(" "))}: ${known}`;
    const handle = field(before.values, "root").split(",")[1] ?? "0:";
    // Handle 0: is what the kernel puts there by itself, and puts there again when ours is deleted.
    if (handle !== "0:")
      return `${spec.device} has a queueing discipline of somebody else (${before.values.root})`;
    return undefined;
  },
  apply(spec) {
    const passes = (spec.spare ?? []).flatMap(portSelectors);
    const rules = [
      ...passes.map((selector) => sh`qdisc_pass ${spec.device} 1 ${selector}`),
      ...shaped(spec).map((selector) => sh`qdisc_shape ${spec.device} 2 ${selector}`),
    ];
    return {
      shell: [sh`qdisc_add ${spec.device} ${spec.discipline}`, ...rules].map((rule) => rule.shell).join("\n"),
    };
  },
  restore: (spec) => sh`qdisc_del ${spec.device}`,
  inEffect: (_spec, _before, now) => ours(now),
  remains: (_spec, _before, now) => ours(now),
  preview: (spec) => ({
    line: `tc: ${qdisc.title(spec)}${spec.ports ? ` for ports ${spec.ports.join(", ")}` : ""}${spec.peers ? ` to ${spec.peers.join(", ")}` : ""}, sparing ports ${(spec.spare ?? []).join(", ")}`,
  }),
};
