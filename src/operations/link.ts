import { lines, sh, trusted } from "../shell.ts";
import { downLibrary, type LinkDownOperation, linkDown } from "./link-down.ts";
import { moduleLibrary } from "./module-library.ts";
import { common, field, type OperationKind } from "./operation.ts";

interface MtuOperation {
  readonly kind: "link";
  readonly device: string;
  readonly mtu: number;
}

export type LinkOperation = MtuOperation | LinkDownOperation;

const schema = {
  type: "object",
  description: "Change the MTU of a network device, or set it down, until the next reboot.",
  properties: {
    kind: { const: "link" },
    device: {
      type: "string",
      pattern: "^(?!\\.\\.?$)[^\\s/-][^\\s/]{0,14}$",
      description: "Network device, such as eth0.",
    },
    mtu: {
      type: "integer",
      minimum: 68,
      maximum: 65535,
      description: "Bytes of the largest packet. Below 68 the kernel removes the device's IPv4 addresses.",
    },
    state: { const: "down", description: "Its routes come back with it." },
  },
  required: ["kind", "device"],
  oneOf: [{ required: ["mtu"] }, { required: ["state"] }],
  additionalProperties: false,
} as const;

/**
 * IPv6 has an MTU of its own for each device, which the kernel sets to the device's whenever that changes.
 * What else depends on the device's MTU is only looked for when a change is planned.
 */
const library = lines(
  moduleLibrary,
  trusted(String.raw`
link_read() { # device
  if [ -e "/sys/class/net/$1" ]; then
    put device present
    put mtu "$(cat "/sys/class/net/$1/mtu")"
    put mtu6 "$(cat "/proc/sys/net/ipv6/conf/$1/mtu" 2>/dev/null || echo absent)"
    [ "$CONTENT" = no ] || link_notes "$1"
  else put device absent
  fi
}
link_notes() { # device
  note limits "$(ip -o -d link show dev "$1" | sed -n 's/.* minmtu \([0-9]*\) maxmtu \([0-9]*\) .*/\1 \2/p')"
  note routes6 "$(ip -6 -o route show table all | grep -F -e " dev $1 " | grep -c ' mtu ' || :)"
  note type "$(sed -n 's/^DEVTYPE=//p' "/sys/class/net/$1/uevent")"
  note bridge "$(if [ -e "/sys/class/net/$1/brport" ]; then basename "$(readlink "/sys/class/net/$1/master")"; fi)"
  note followers "$(link_followers "$1" | tr '\n' ' ')"
}
link_followers() { # device: those on top of it that the kernel keeps at its MTU; the ones of pods are in theirs
  index=$(cat "/sys/class/net/$1/ifindex")
  ip -o -d link show | sed -n "s/^[0-9]*: \([^ ]*\)@$(printf %s "$1" | sed 's/[].[*^$\\]/\\&/g'): .* $link_kinds .*/\1/p"
  for ns in $(network_namespaces); do
    nsenter --net="$ns" ip -o -d link show 2>/dev/null | sed -n "s/^[0-9]*: \([^ ]*\)@if$index: .* $link_kinds .*/\1/p"
  done
}
link_kinds='\(vlan\|macvlan\|macvtap\|ipvlan\|ipvtap\|macsec\)'
link_back() { # device mtu mtu6
  [ -e "/sys/class/net/$1" ] || { echo "there is no network device $1 now" >&2; return 1; }
  ip link set dev "$1" mtu "$2"
  if [ -e "/proc/sys/net/ipv6/conf/$1/mtu" ] && [ "$3" != absent ]; then echo "$3" > "/proc/sys/net/ipv6/conf/$1/mtu"; fi
}
`),
);

/** IPv6 does not work with less, so the kernel takes all of it from the device: addresses, routes and settings. */
const LEAST_OF_IPV6 = 1280;

const linkMtu = {
  ...common,
  title: (spec) => `mtu ${spec.mtu} on ${spec.device}`,
  read: (spec) => sh`link_read ${spec.device}`,
  refusal(spec, before) {
    if (before.values.device === "absent") return `there is no network device ${spec.device}`;
    if (before.values.mtu === String(spec.mtu)) return `the MTU of ${spec.device} is ${spec.mtu} already`;
    const [least = 0, most = 0] = field(before.notes, "limits").split(" ").map(Number);
    // 0 stands for no limit.
    if (spec.mtu < least || (most > 0 && spec.mtu > most))
      return `${spec.device} takes an MTU from ${least} to ${most}`;
    if (spec.mtu < LEAST_OF_IPV6 && before.values.mtu6 !== "absent")
      return `with an MTU below ${LEAST_OF_IPV6} the kernel would remove all IPv6 from ${spec.device}, which could not be put back`;
    if (field(before.notes, "routes6") !== "0")
      return `${spec.device} has IPv6 routes with an MTU of their own, which the kernel would change along with it`;
    if (/^(bridge|bond|team)$/.test(field(before.notes, "type")))
      return `${spec.device} is a ${before.notes.type}, whose MTU goes with that of its ports`;
    if (before.notes.bridge)
      return `${spec.device} is a port of the bridge ${before.notes.bridge}, whose MTU goes with it`;
    const followers = field(before.notes, "followers").trim();
    if (followers !== "")
      return `the kernel would change the MTU of what is on top of ${spec.device}, too: ${followers}`;
    return undefined;
  },
  apply: (spec) => sh`ip link set dev ${spec.device} mtu ${spec.mtu}`,
  restore: (spec, before) =>
    sh`link_back ${spec.device} ${field(before.values, "mtu")} ${field(before.values, "mtu6")}`,
  inEffect: (spec, _before, now) => now.values.mtu === String(spec.mtu),
  isBack: (_spec, { values }) =>
    sh`[ "$(told mtu)" = ${values.mtu ?? ""} ] && [ "$(told mtu6)" = ${values.mtu6 ?? ""} ]`,
  preview: (spec, before) => ({
    line: `ip link: ${spec.device} mtu ${before.values.mtu} -> ${spec.mtu}`,
  }),
} satisfies Partial<OperationKind<MtuOperation>>;

type Part = Required<
  Pick<
    OperationKind<LinkOperation>,
    | ("title" | "read" | "refusal" | "apply" | "restore" | "preview")
    | ("inEffect" | "restored" | "isBack" | "gone")
  >
>;

/** What answers for an operation. */
const partOf = (spec: LinkOperation): Part => ("state" in spec ? linkDown : linkMtu) as unknown as Part;

export const link: OperationKind<LinkOperation> = {
  ...common,
  kind: "link",
  summary: schema.description,
  schema,
  library: lines(library, downLibrary),
  owns: ({ device }) => [`link:${device}`],
  commands: () => ["ip", "base64"],
  dangers: () => ["lockout"],
  lasting: () => false,
  title: (spec) => partOf(spec).title(spec),
  read: (spec) => partOf(spec).read(spec),
  refusal: (spec, before, held) => partOf(spec).refusal(spec, before, held),
  apply: (spec, before, held) => partOf(spec).apply(spec, before, held),
  restore: (spec, before, held) => partOf(spec).restore(spec, before, held),
  inEffect: (spec, before, now, held) => partOf(spec).inEffect(spec, before, now, held),
  restored: (spec, before, now) => partOf(spec).restored(spec, before, now),
  isBack: (spec, before) => partOf(spec).isBack(spec, before),
  gone: (spec, before, now) => partOf(spec).gone(spec, before, now),
  preview: (spec, before, held) => partOf(spec).preview(spec, before, held),
};
