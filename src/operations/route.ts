import { BlockList, isIP } from "node:net";
import { sh, trusted } from "../shell.ts";
import { common, type OperationKind } from "./operation.ts";

export interface RouteOperation {
  readonly kind: "route";
  readonly type: "unreachable" | "blackhole" | "prohibit";
  readonly destination: string;
}

const schema = {
  type: "object",
  description: "Add a route that leads nowhere to the main table, until the next reboot.",
  properties: {
    kind: { const: "route" },
    type: {
      enum: ["unreachable", "blackhole", "prohibit"],
      description: "What the sender gets: no route to host, an error without a word, or permission denied.",
    },
    destination: {
      type: "string",
      pattern: "^([0-9]+(\\.[0-9]+){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(/[0-9]+)?$",
      description: "An address or a network, IPv4 or IPv6.",
    },
  },
  required: ["kind", "type", "destination"],
  additionalProperties: false,
} as const;

/** Which other routes lead there may change by itself: only those to exactly this destination are looked at. */
const library = trusted(String.raw`
route_read() { # family type destination
  if ! routes=$(ip "$1" -o route show table main exact "$3" 2>&1); then printf '%s\n' "$routes" >&2; return 1; fi
  case $routes in
  '') put route none ;;
  "$2 "*) if [ "$(printf '%s\n' "$routes" | wc -l)" = 1 ]; then put route ours; else put route others; fi ;;
  *) put route others ;;
  esac
  # Without ssh, as when the node undoes it by itself, there is none.
  peer=${"$"}{SSH_CONNECTION-}
  note peer "${"$"}{peer%% *}"
  note gateway "$(ip "$1" -o route show default | sed -n 's/.* via \([^ ]*\).*/\1/p' | head -n 1)"
}
route_back() { # family type destination
  case $(ip "$1" -o route show table main exact "$3") in
  "$2 "*) ip "$1" route del "$2" "$3" ;;
  esac
}
`);

const familyOf = ({ destination }: RouteOperation) => (destination.includes(":") ? "-6" : "-4");

/** Whether an address is one of the destination's. */
function leadsTo({ destination }: RouteOperation, address: string): boolean {
  const [network = "", length] = destination.split("/");
  const family = isIP(network);
  if (family === 0 || isIP(address) !== family) return false;
  const type = family === 6 ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(network, Number(length ?? (family === 6 ? 128 : 32)), type);
  return list.check(address, type);
}

export const route: OperationKind<RouteOperation> = {
  ...common,
  kind: "route",
  summary: schema.description,
  schema,
  library,
  title: (spec) => `ip route add ${spec.type} ${spec.destination}`,
  owns: (spec) => [`route:${spec.destination}`],
  commands: () => ["ip"],
  dangers: () => ["lockout"],
  lasting: () => false,
  read: (spec) => sh`route_read ${familyOf(spec)} ${spec.type} ${spec.destination}`,
  refusal(spec, before) {
    const { peer = "", gateway = "" } = before.notes;
    if (leadsTo(spec, peer))
      return `${spec.destination} is the way on which kbreak reaches the node (${peer})`;
    if (leadsTo(spec, gateway)) return `${spec.destination} is the way to the gateway (${gateway})`;
    return before.values.route === "none" ? undefined : `there is a route to ${spec.destination} already`;
  },
  apply: (spec) => sh`ip ${familyOf(spec)} route add ${spec.type} ${spec.destination}`,
  restore: (spec) => sh`route_back ${familyOf(spec)} ${spec.type} ${spec.destination}`,
  inEffect: (_spec, _before, now) => now.values.route === "ours",
  remains: (_spec, _before, now) => now.values.route === "ours",
  halfway: () => false,
  preview: (spec) => ({ line: route.title(spec) }),
};
