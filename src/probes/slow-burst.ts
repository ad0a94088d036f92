import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** Bits that {@link slowBurst} sends at once, with the headers of ICMP, IPv4 and Ethernet. */
export const BURST_BITS = 30 * (1400 + 8 + 20 + 14) * 8;

/** Of 30 large pings at once, the last answer comes so many milliseconds later than any of some small ones. */
export function slowBurst(host: string, milliseconds: number): Probe {
  return {
    title: `a burst of 43 kB to ${host} takes ${milliseconds} ms longer than a small packet`,
    commands: ["ping"],
    // Without room for all of them in its socket, ping would wait before it sends the rest.
    script: sh`longest() { # of the answers to a ping
  answer=$(ping -n -q "$@" -- ${host}) || exit 2
  printf '%s\n' "$answer" | sed -n 's/.*= *[0-9.]*\/[0-9.]*\/\([0-9]*\).*/\1/p'
}
small=$(longest -c 3 -i 0.2 -W 5) || exit 2
burst=$(longest -c 30 -l 30 -S 212992 -s 1400 -W 5) || exit 2
[ $((burst - small)) -ge ${milliseconds} ] || exit 1`,
  };
}
