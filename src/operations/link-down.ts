import { sh, trusted } from "../shell.ts";
import { field, type OperationKind, type State } from "./operation.ts";

export interface LinkDownOperation {
  readonly kind: "link";
  readonly device: string;
  readonly state: "down";
}

/**
 * With a device that goes down the kernel removes its routes. When it comes up again, the kernel adds those of its
 * addresses; all others go in again in the words in which ip told them. IPv6 loses its addresses, too, and what is on
 * top of the device goes down with it: such devices are refused.
 */
export const downLibrary = trusted(String.raw`
down_routes() { # device: those that the kernel does not add by itself
  ip -4 -o route show table all dev "$1" | grep -v ' proto kernel ' | sed 's/ \(linkdown\|dead\|offload\|rt_trap\)//g; s/ *$//' | sort
}
down_read() { # device
  if [ ! -e "/sys/class/net/$1" ]; then put device absent; return; fi
  put device present
  read -r index <"/sys/class/net/$1/ifindex"; put index "$index"
  read -r flags <"/sys/class/net/$1/flags"
  if [ $((flags & 1)) = 1 ]; then put state up; else put state down; fi
  put routes "$(down_routes "$1" | b64)"
  [ "$CONTENT" = no ] || down_notes "$1"
}
down_notes() { # device
  note lost "$(
    ip -6 -o address show dev "$1" scope global | sed -n '1s/.*/IPv6 addresses/p'
    ip -4 route show table all | grep -F -e 'nexthop' | grep -F -e " dev $1 " | sed -n '1s/.*/routes over several devices/p'
    ip neigh show dev "$1" nud permanent | sed -n '1s/.*/permanent neighbours/p'
  )"
  note follower "$(
    link_followers "$1" | head -n 1
    if [ -e "/sys/class/net/$1/master" ]; then basename "$(readlink "/sys/class/net/$1/master")"; fi
  )"
}
down_back() { # device index routes
  read -r index <"/sys/class/net/$1/ifindex" || return 1
  # Another device of that name has routes of its own.
  [ "$index" = "$2" ] || return 0
  ip link set dev "$1" up
  # Twice, as a gateway may be reached by a route that stands behind its own.
  for _ in once again; do
    printf %s "$3" | base64 -d | while IFS= read -r route; do
      down_routes "$1" | grep -qxF -e "$route" || ip -4 route add $route dev "$1" 2>/dev/null || :
    done
  done
}
down_is() { # routes: all that were there are there again
  [ "$(told state)" = up ] || return 1
  now=$(told routes | base64 -d)
  printf %s "$1" | base64 -d | while IFS= read -r route; do
    printf '%s\n' "$now" | grep -qxF -e "$route" || exit 1
  done
}
`);

const routes = (state: State) =>
  Buffer.from(state.values.routes ?? "", "base64")
    .toString()
    .split("\n");

/** The answers of a `link` that sets its device down. */
export const linkDown = {
  restored: (_spec, before, now) =>
    now.values.state === "up" && routes(before).every((route) => routes(now).includes(route)),
  title: ({ device }) => `set ${device} down`,
  read: ({ device }) => sh`down_read ${device}`,
  refusal({ device }, before) {
    if (before.values.device === "absent") return `there is no network device ${device}`;
    if (before.values.state === "down") return `${device} is down already`;
    const lost = field(before.notes, "lost");
    if (lost !== "") return `${device} would lose what could not be put back: ${lost}`;
    const follower = field(before.notes, "follower");
    if (follower !== "") return `${device} carries ${follower}, which would change along with it`;
    return undefined;
  },
  apply: ({ device }) => sh`ip link set dev ${device} down`,
  restore: ({ device }, { values }) =>
    sh`down_back ${device} ${field(values, "index")} ${field(values, "routes")}`,
  inEffect: (_spec, before, now) => now.values.state === "down" && now.values.index === before.values.index,
  isBack: (_spec, { values }) => sh`down_is ${field(values, "routes")}`,
  gone: (_spec, _before, now) => now.values.device === "absent",
  preview: ({ device }) => ({ line: `ip link: ${device} down` }),
} satisfies Partial<OperationKind<LinkDownOperation>>;
