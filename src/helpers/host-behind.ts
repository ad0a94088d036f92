import type { Facts } from "../facts.ts";

/** What a break says of the packets that it slows or loses. Empty strings and lists stand for what was not given. */
export interface Way {
  readonly device: string;
  readonly peers: readonly string[];
  readonly probe: string;
}

/**
 * The host that shows what becomes of those packets: `probe`, else the first of `peers` that is one host, else the
 * gateway if the device is that of the default route. `undefined` when none of them is known.
 */
export function hostBehind({ device, peers, probe }: Way, facts: Facts): string | undefined {
  if (probe !== "") return probe;
  if (peers.length > 0) return peers.find((peer) => !peer.includes("/"));
  return device === "" || device === facts.device ? facts.gateway : undefined;
}

/** Why a break of these packets cannot be made or seen; `undefined` when it can. */
export function wayRefusal(way: Way, facts: Facts): string | undefined {
  if (way.device === "" && facts.device === undefined)
    return "there is no default route, so `device` must be given";
  if (hostBehind(way, facts) === undefined)
    return "`probe` must be given: nothing tells of a host that these packets go to";
  return undefined;
}
