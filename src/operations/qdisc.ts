import { lines, sh, trusted } from "../shell.ts";
import { moduleLibrary } from "./module-library.ts";
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
  description:
    "Shape the IPv4 and IPv6 packets that leave a network device with a queueing discipline such as netem. What the node needs to keep its address passes: ARP, neighbour discovery and DHCP.",
  properties: {
    kind: { const: "qdisc" },
    device: {
      type: "string",
      pattern: "^[A-Za-z0-9_][A-Za-z0-9_.+~-]{0,14}$",
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
      items: { type: "string", pattern: "^([0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(/[0-9]+)?$" },
      description: "Only packets to these addresses or networks, IPv4 or IPv6. Default: every packet.",
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

/** The root's handle: ours is recognised by it. */
const HANDLE = "7a31";

/**
 * What another hand has put at the root goes in again from its own printed form, when a trial has shown that tc then
 * tells the same of it, raw numbers included. Only for kinds of which tc tells everything (netem's table of delays, for
 * one, cannot be read), and which hold no classes.
 */
const tellable = "bfifo cake codel fq fq_codel noqueue pfifo pfifo_fast sfq tbf";

const library = lines(
  moduleLibrary,
  trusted(String.raw`
qdisc_root() { # device: its root and what is below it, in one line; ingress and clsact have places of their own and stay
  tc -d qdisc show dev "$1" |
    sed -n '/^qdisc \(ingress\|clsact\) /!{ s/^qdisc //; s/ refcnt [0-9]*//; s/ *$/;/; H; }; ${"$"}{ x; s/\n//g; p; }'
}
qdisc_digest() { # of what tc shows below our root
  digest=$(sed -n '/ root /d; /^qdisc \(ingress\|clsact\) /d; s/ \(refcnt\|seed\) [0-9]*//g; s/ \(not_\)\{0,1\}in_hw.*//; s/ *$//; p' | sha256sum)
  printf '%s\n' "${"$"}{digest%% *}"
}
qdisc_alone() { # device option...: tc, on the lines of standard input, with a lo like the device where nobody is
  read -r mtu <"/sys/class/net/$1/mtu"
  read -r length <"/sys/class/net/$1/tx_queue_len"
  shift
  unshare -n sh -c 'ip link set dev lo mtu "$1" txqueuelen "$2"; shift 2; exec tc -d "$@" -batch -' sh "$mtu" "$length" "$@"
}
qdisc_shown() { # words of an addition: lines that add it, show it and take it away again
  printf 'qdisc add dev lo root handle %s\nqdisc show dev lo\nqdisc del dev lo root\n' "$*"
}
qdisc_trial() { # device lines: what tc tells of ours, or why it does not take it
  if told=$(printf '%s\nqdisc show dev lo\nfilter show dev lo parent ${HANDLE}:\nqdisc del dev lo root\n' "$2" | qdisc_alone "$1" 2>&1); then
    note shape "$(printf '%s\n' "$told" | qdisc_digest)"
    return
  fi
  why=$(printf '%s\n' "$told" | head -n 1)
  case $told in
  *"Command failed -:1") note misfit "the kernel has no htb queueing discipline" ;;
  *"kind is unknown"*"Command failed -:4" | *"No such file"*"Command failed -:4") note misfit lacking ;;
  *"Command failed -:4") note misfit "tc does not take it: $why" ;;
  *"Command failed -:"*) note misfit "tc does not take its filters: $why" ;;
  *) note misfit "it cannot be tried: $why" ;;
  esac
}
qdisc_again() { # device root: what to say to tc to get another's root again, or why that cannot be told
  kind=${"$"}{2%% *} rest=${"$"}{2#* }
  handle=${"$"}{rest%% *}
  case " ${tellable} " in *" $kind "*) ;; *) note foreign "nothing tells all of a $kind"; return ;; esac
  case $2 in *\;*\;) note foreign "another one is below it"; return ;; esac
  if [ -n "$(tc filter show dev "$1")" ]; then note foreign "it has filters"; return; fi
  # tc prints some words that it does not take.
  words=$(tc qdisc show dev "$1" | sed -nE '/^qdisc [^ ]* [^ ]* root /!d; s/.* root refcnt [0-9]* *//; s/([0-9])(p|b|sec)( |$)/\1\3/g; s/bandwidth unlimited//; s/bands .* weights [0-9 ]*//; p')
  is=$(tc -d -r -j qdisc show dev "$1" root | sed 's/"refcnt":[0-9]*//')
  for form in "$words" ''; do
    made=$(qdisc_shown "$handle" "$kind" "$form" | qdisc_alone "$1" -r -j 2>/dev/null | sed 's/"refcnt":[0-9]*//')
    if [ "$made" = "$is" ]; then note again "$handle $kind $form"; return; fi
  done
  note foreign "tc does not take what it prints of it"
}
qdisc_default() { # device root: would the kernel make the same again?
  setting=
  if [ -r /proc/sys/net/core/default_qdisc ]; then read -r setting </proc/sys/net/core/default_qdisc; fi
  read -r type <"/sys/class/net/$1/type"
  # Only for Ethernet is lo, whose packets have as long a header, a measure.
  if [ "$type" != 1 ]; then note alike unknown; return; fi
  case $2 in
  # Queues that are not in use get another one.
  'mq '*) idle=pfifo_fast ;;
  *) idle= ;;
  esac
  printf '%s' "$2" | tr ';' '\n' | sed 's/ \(root\|parent [^ ]*\)//' | sort -u | while read -r kind handle words; do
    if [ "$handle" != 0: ]; then note foreign "$kind $handle below it is somebody else's"; return; fi
    case $kind in
    noqueue | mq) continue ;;
    "${"$"}{setting:-$kind}" | "$idle") ;;
    *) note foreign "$setting would come"; return ;;
    esac
    case $(qdisc_shown 1: "$kind" | qdisc_alone "$1") in
    "qdisc $kind 1: root refcnt "[0-9]*" $words" | "qdisc $kind 1: root refcnt "[0-9]*" $words ") ;;
    *) note foreign "with other numbers, as its MTU has been changed since" ;;
    esac
  done
}
qdisc_unload() { # module...: those that nobody uses
  command -v rmmod >/dev/null || return 0
  # A filter and a network namespace let go of their modules a moment after they are gone.
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    loaded=
    for module in "$@"; do
      if [ -e "/sys/module/$module" ]; then loaded="$loaded $module"; fi
    done
    if [ -z "$loaded" ] || rmmod $loaded 2>/dev/null; then return; fi
    sleep 0.05
  done
}
qdisc_modules() { # before: the modules of traffic control that are loaded now and were not then
  while read -r module rest; do
    case $module in sch_* | cls_*) case " $1 " in *" $module "*) ;; *) printf '%s ' "$module" ;; esac ;; esac
  done </proc/modules
}
qdisc_try() { # device lines root: all that only plan wants to know
  had=$(modules_loaded)
  qdisc_trial "$1" "$2"
  case $3 in
  *' 0: root'*) qdisc_default "$1" "$3" ;;
  ?*) qdisc_again "$1" "$3" ;;
  esac
  [ -n "$had" ] || return 0
  new=$(qdisc_modules "$had")
  note modules "$new"
  qdisc_unload $new
}
qdisc_read() { # device lines
  if [ ! -e "/sys/class/net/$1" ]; then put device absent; return; fi
  put device present
  read -r index <"/sys/class/net/$1/ifindex"; put index "$index"
  read -r boot </proc/sys/kernel/random/boot_id; note boot "$boot"
  read -r mtu <"/sys/class/net/$1/mtu"; note mtu "$mtu"
  read -r flags <"/sys/class/net/$1/flags"
  if [ $((flags & 1)) = 1 ]; then note link up; else note link down; fi
  root=$(qdisc_root "$1")
  case $root in
  "htb ${HANDLE}: root "*)
    put root ours
    put shape "$({ tc -d qdisc show dev "$1"; tc -d filter show dev "$1" parent ${HANDLE}:; } | qdisc_digest)" ;;
  *) put root "$root" ;;
  esac
  [ "$CONTENT" = no ] || qdisc_try "$1" "$2" "$root"
  if [ -r /proc/modules ]; then
    note idle "$(while read -r module _ users _; do case $module,$users in sch_*,0 | cls_*,0) printf '%s ' "$module" ;; esac; done </proc/modules)"
  fi
}
qdisc_back() { # device root again
  root=$(qdisc_root "$1")
  if [ "$root" = "$2" ]; then return; fi
  case $root in *' 0: root'* | '') ;; *) tc qdisc del dev "$1" root ;; esac
  if [ -n "$3" ]; then
    tc qdisc add dev "$1" root handle $3
  elif [ "$(qdisc_root "$1")" != "$2" ]; then
    # The kernel's own is made anew, by the MTU of now, whenever another one goes.
    tc qdisc add dev "$1" root pfifo
    tc qdisc del dev "$1" root
  fi
}
qdisc_is() { # root default(yes|no) boot mtu alike module...
  [ "$(told device)" = present ] || return 1
  root=$(told root) again=$2 alike=$5
  if [ "$(noted boot)" = "$3" ]; then since=same; else since=other; fi
  if [ "$root" != "$1" ]; then
    case $again,${"$"}{root#* } in yes, | 'yes,0: root'*) ;; *) return 1 ;; esac
    # What the kernel puts there by itself follows the MTU, and shows only on a device that is up.
    case $since,$(noted link),$alike in same,up,unknown) ;; same,up,*) [ "$(noted mtu)" != "$4" ] || return 1 ;; esac
  fi
  [ "$since" = same ] || return 0
  shift 5
  idle=" $(noted idle) "
  for module in "$@"; do
    case $idle in *" $module "*) return 1 ;; esac
  done
}
qdisc_restore() { # device root again boot module...
  device=$1 was=$2 again=$3 since=$4 code=0; shift 4
  if [ -e "/sys/class/net/$device" ]; then qdisc_back "$device" "$was" "$again"
  else
    echo "there is no network device $device any more, and what was changed has gone with it" >&2
    code=1
  fi
  read -r boot </proc/sys/kernel/random/boot_id
  if [ "$boot" = "$since" ]; then qdisc_unload "$@"; fi
  return $code
}
`),
);

/**
 * How u32 names a protocol and its fields, and what a node cannot do without if it is to keep its address and be found
 * by it: DHCP, and IPv6's neighbour discovery (ICMPv6 133 to 137). IPv4's is ARP, a protocol of its own.
 */
const families = [
  {
    protocol: "ip",
    match: "ip",
    addresses: (peer: string) => !peer.includes(":"),
    lifelines: ["match ip protocol 17 0xff match ip sport 68 0xffff"],
  },
  {
    protocol: "ipv6",
    match: "ip6",
    addresses: (peer: string) => peer.includes(":"),
    lifelines: [
      "match ip6 protocol 17 0xff match ip6 sport 546 0xffff",
      "match ip6 protocol 58 0xff match u8 0x84 0xfc at 40",
      "match ip6 protocol 58 0xff match u8 0x88 0xfe at 40",
    ],
  },
] as const;
type Family = (typeof families)[number];

/** u32 selectors for a port on either side, of TCP (6) and UDP (17). Other protocols have other things in its place. */
const portSelectors = ({ match }: Family, port: number): string[] =>
  [6, 17].flatMap((protocol) =>
    ["sport", "dport"].map(
      (side) => `match ${match} protocol ${protocol} 0xff match ${match} ${side} ${port} 0xffff`,
    ),
  );

function shaped(spec: QdiscOperation, family: Family): string[] {
  const { peers = [], ports = [] } = spec;
  const mine = peers
    .filter((peer) => family.addresses(peer))
    .map((peer) => `match ${family.match} dst ${peer}`);
  if (peers.length === 0 && ports.length === 0) return ["match u32 0 0"];
  const selectors = ports.flatMap((port) => portSelectors(family, port));
  if (peers.length === 0) return selectors;
  if (ports.length === 0) return mine;
  return mine.flatMap((peer) => selectors.map((selector) => `${peer} ${selector}`));
}

/**
 * Lines for `tc -batch`.
 *
 * htb at the root, because it is classful and present wherever u32 is: class 1 lets pass, class 2 holds the discipline.
 * The default class is 1, and what lets pass stands before what shapes, so that there is no moment in which the control
 * channel is shaped.
 */
function batch(spec: QdiscOperation, device: string, verb: "add" | "replace"): string {
  // A priority holds filters of one protocol only.
  const filters = (priority: number, selectors: (family: Family) => readonly string[], to: number) =>
    families.flatMap((family, index) =>
      selectors(family).map(
        (selector) =>
          `filter add dev ${device} parent ${HANDLE}: protocol ${family.protocol} prio ${priority + index} u32 ${selector} flowid ${HANDLE}:${to}`,
      ),
    );
  return [
    `qdisc ${verb} dev ${device} root handle ${HANDLE}: htb default 1`,
    ...[1, 2].map(
      (minor) =>
        `class add dev ${device} parent ${HANDLE}: classid ${HANDLE}:${minor} htb rate 100gbit quantum 60000`,
    ),
    `qdisc add dev ${device} parent ${HANDLE}:2 handle 7a32: ${spec.discipline.join(" ")}`,
    ...filters(1, (family) => family.lifelines, 1),
    ...filters(1, (family) => (spec.spare ?? []).flatMap((port) => portSelectors(family, port)), 1),
    ...filters(3, (family) => shaped(spec, family), 2),
  ].join("\n");
}

const isOurs = (state: State) => state.values.root === "ours";

/** Handle 0: is what the kernel puts there by itself, and puts there again when another one is deleted. */
const isDefault = (root = "") => /^[^ ]+ 0: root/.test(root);

const sameBoot = (before: State, now: State) => before.notes.boot === now.notes.boot;

/** What the kernel puts there has numbers that follow the MTU, and its kind is that of its last start. */
const isComparable = (before: State, now: State) =>
  sameBoot(before, now) &&
  before.notes.mtu === now.notes.mtu &&
  now.notes.link === "up" &&
  before.notes.alike !== "unknown";

function sameRoot(before: State, now: State): boolean {
  const [was, is] = [before.values.root, now.values.root];
  if (was === is) return now.values.device === "present";
  // A device that is down shows none until it is up again.
  return isDefault(was) && (is === "" || isDefault(is)) && !isComparable(before, now);
}

const words = (text = "") => text.split(" ").filter((word) => word !== "");

/** Kernel modules that only our change needed. */
const leftModules = (before: State, now: State) =>
  sameBoot(before, now)
    ? words(before.notes.modules).filter((name) => words(now.notes.idle).includes(name))
    : [];

export const qdisc: OperationKind<QdiscOperation> = {
  ...common,
  kind: "qdisc",
  summary: schema.description,
  schema,
  library,
  title: (spec) => `${spec.discipline.join(" ")} on ${spec.device}`,
  owns: (spec) => [`qdisc:${spec.device}`],
  commands: () => ["tc", "ip", "unshare", "sha256sum"],
  dangers: () => ["lockout"],
  lasting: () => false,
  read: (spec) => sh`qdisc_read ${spec.device} ${batch(spec, "lo", "add")}`,
  refusal(spec, before) {
    const { device } = spec;
    if (before.values.device === "absent") return `there is no network device ${device}`;
    if (before.notes.link === "down") return `${device} is down`;
    if (isOurs(before)) return `${device} is shaped already, by a run that is not undone`;
    const { misfit, foreign } = before.notes;
    if (misfit === "lacking") return `the kernel has no ${spec.discipline[0]} queueing discipline`;
    if (misfit !== undefined) return `${spec.discipline.join(" ")}: ${misfit}`;
    const root = field(before.values, "root");
    if (root === "") return `tc shows no queueing discipline of ${device}`;
    const name = root.split(" ", 2).join(" ");
    if (foreign === undefined) return undefined;
    if (!isDefault(root))
      return `${device} has a queueing discipline of somebody else, ${name}, that could not be put back exactly: ${foreign}`;
    return `${device} would not get the queueing discipline again that the kernel gave it, ${name}: ${foreign}; let it be made anew: tc qdisc add dev ${device} root pfifo; tc qdisc del dev ${device} root`;
  },
  apply: (spec, before) =>
    sh`printf '%s\n' ${batch(spec, spec.device, before.notes.again === undefined ? "add" : "replace")} | tc -batch -`,
  restore: (spec, before) =>
    sh`qdisc_restore ${spec.device} ${field(before.values, "root")} ${before.notes.again ?? ""} ${field(before.notes, "boot")} ${words(before.notes.modules)}`,
  inEffect: (_spec, before, now) => isOurs(now) && now.values.shape === before.notes.shape,
  restored: (_spec, before, now) => sameRoot(before, now),
  remains: (_spec, before, now) => isOurs(now) || leftModules(before, now).length > 0,
  isBack: (_spec, { values, notes }) =>
    sh`qdisc_is ${values.root ?? ""} ${isDefault(values.root)} ${notes.boot ?? ""} ${notes.mtu ?? ""} ${notes.alike ?? ""} ${words(notes.modules)}`,
  // After a restart nobody has removed it, and another's that was there before is gone with it.
  gone: (_spec, before, now) =>
    now.values.device === "absent" ||
    (sameBoot(before, now) ? now.values.index !== before.values.index : !sameRoot(before, now)),
  // What was there before is added only after ours has been deleted.
  halfway: (_spec, _before, now) => isDefault(now.values.root),
  preview: (spec, before) => ({
    line: [
      `tc: ${qdisc.title(spec)}`,
      spec.ports?.length ? ` for ports ${spec.ports.join(", ")}` : "",
      spec.peers?.length ? ` to ${spec.peers.join(", ")}` : "",
      spec.spare?.length ? `, sparing ports ${spec.spare.join(", ")}` : "",
      before.notes.again === undefined ? "" : `, in the place of ${before.notes.again}`,
    ].join(""),
  }),
};
