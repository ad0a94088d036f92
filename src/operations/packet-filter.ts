import { lines, sh, trusted } from "../shell.ts";
import { moduleLibrary } from "./module-library.ts";
import { common, field, type OperationKind, type State } from "./operation.ts";

export interface PacketFilterOperation {
  readonly kind: "packet-filter";
  readonly device: string;
  readonly side: "ingress" | "egress";
  readonly bytecode: string;
}

const schema = {
  type: "object",
  description:
    "Let a program of classic BPF decide on the packets of a network device, until the next reboot.",
  properties: {
    kind: { const: "packet-filter" },
    device: {
      type: "string",
      pattern: "^[A-Za-z0-9_][A-Za-z0-9_.+~-]{0,14}$",
      description: "Network device, such as eth0 or lo.",
    },
    side: { enum: ["ingress", "egress"], description: "What comes in by it, or what leaves by it." },
    bytecode: {
      type: "string",
      pattern: "^[0-9]+(,[0-9]+ [0-9]+ [0-9]+ [0-9]+)+$",
      description: "As tc takes and prints it: `1,6 0 0 2` drops everything, as 2 means to drop.",
    },
  },
  required: ["kind", "device", "side", "bytecode"],
  additionalProperties: false,
} as const;

/** Its place among the filters of a side: ours is known by it. */
const PREFERENCE = 31_007;

/** Filters hang below a queueing discipline of their own, which holds no packets back. It comes with the first of them. */
const library = lines(
  moduleLibrary,
  trusted(String.raw`
FILTER_MODULES=$(modules_loaded)
filter_unload() { # modules
  modules_unload_new "$1" cls_bpf sch_ingress
}
filter_look() { # device side: what filters can hang below, in place; the bytecode at our place, in ours; is it unused?
  place=$(tc qdisc show dev "$1" | sed -n 's/^qdisc \(clsact\|ingress\) .*/\1/p')
  place=${"$"}{place:-none} ours=none unused=no
  [ "$place" != none ] || return 0
  all=$(tc filter show dev "$1" ingress; [ "$place" = ingress ] || tc filter show dev "$1" egress)
  if [ "$place,$all" = clsact, ]; then unused=yes; return; fi
  told=$(tc filter show dev "$1" "$2" pref ${PREFERENCE} | tr '\n' ' ')
  case $told in
  '') ;;
  *" bytecode '"*"'"*) ours=$(printf '%s\n' "$told" | sed "s/.* bytecode '\([^']*\)'.*/\1/; s/ *\$//") ;;
  *) ours=other ;;
  esac
}
filter_read() { # device side bytecode
  if [ ! -e "/sys/class/net/$1" ]; then put device absent; return; fi
  put device present
  read -r index <"/sys/class/net/$1/ifindex"; put index "$index"
  filter_look "$1" "$2"
  put filter "$ours"
  note place "$place"
  note unused "$unused"
  read -r boot </proc/sys/kernel/random/boot_id; note boot "$boot"
  note modules "$FILTER_MODULES"
  [ "$CONTENT" = yes ] || return 0
  # Tried in a network of its own, which ends at once.
  if ! told=$(unshare -n sh -euc '
    tc qdisc add dev lo clsact
    tc filter add dev lo "$1" pref ${PREFERENCE} bpf direct-action bytecode "$2"
  ' sh "$2" "$3" 2>&1); then note misfit "$(printf '%s\n' "$told" | head -n 1)"; fi
}
filter_add() { # device side bytecode
  filter_look "$1" "$2"
  if [ "$place" = none ]; then tc qdisc add dev "$1" clsact; fi
  tc filter add dev "$1" "$2" pref ${PREFERENCE} bpf direct-action bytecode "$3"
}
filter_back() { # device side place boot modules
  if [ -e "/sys/class/net/$1" ]; then
    filter_look "$1" "$2"
    if [ "$ours" != none ]; then tc filter del dev "$1" "$2" pref ${PREFERENCE}; filter_look "$1" "$2"; fi
    if [ "$3,$unused" = none,yes ]; then tc qdisc del dev "$1" clsact; fi
  fi
  read -r boot </proc/sys/kernel/random/boot_id
  if [ "$boot" = "$4" ]; then filter_unload "$5"; fi
}
`),
);

/** What came with our filter is still there, and nobody else uses it. */
const emptied = (before: State, now: State) => before.notes.place === "none" && now.notes.unused === "yes";

export const packetFilter: OperationKind<PacketFilterOperation> = {
  ...common,
  kind: "packet-filter",
  summary: schema.description,
  schema,
  library,
  tidy: trusted('filter_unload "$FILTER_MODULES"'),
  title: (spec) =>
    `tc: a BPF program on what ${spec.side === "ingress" ? "comes in" : "leaves"} by ${spec.device}`,
  owns: (spec) => [`packet-filter:${spec.device} ${spec.side}`],
  commands: () => ["tc", "unshare"],
  dangers: () => ["lockout"],
  lasting: () => false,
  read: (spec) => sh`filter_read ${spec.device} ${spec.side} ${spec.bytecode}`,
  refusal(spec, before) {
    if (before.values.device === "absent") return `there is no network device ${spec.device}`;
    if (before.values.filter !== "none")
      return `somebody's filter has the preference ${PREFERENCE} on the ${spec.side} of ${spec.device}`;
    if (before.notes.place === "ingress" && spec.side === "egress")
      return `${spec.device} has an ingress queueing discipline, below which nothing can look at what leaves`;
    const { misfit } = before.notes;
    return misfit === undefined ? undefined : `tc does not take the program: ${misfit}`;
  },
  apply: (spec) => sh`filter_add ${spec.device} ${spec.side} ${spec.bytecode}`,
  restore: (spec, before) =>
    sh`filter_back ${spec.device} ${spec.side} ${field(before.notes, "place")} ${field(before.notes, "boot")} ${field(before.notes, "modules")}`,
  inEffect: (spec, _before, now) => now.values.filter === spec.bytecode,
  restored: (_spec, before, now) =>
    now.values.device === "present" && now.values.filter === "none" && !emptied(before, now),
  isBack: (_spec, before) =>
    sh`[ "$(told device)" = present ] && [ "$(told filter)" = none ] &&
  { [ ${field(before.notes, "place")} != none ] || [ "$(noted unused)" != yes ]; }`,
  remains: (_spec, before, now) =>
    now.values.device === "present" && (now.values.filter !== "none" || emptied(before, now)),
  gone: (_spec, before, now) =>
    now.values.device === "absent" ||
    (before.notes.boot === now.notes.boot && before.values.index !== now.values.index),
  preview: (spec) => ({ line: `${packetFilter.title(spec)} (${spec.bytecode.split(",")[0]} instructions)` }),
};
