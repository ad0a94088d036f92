import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** Of TEST-NET-1 (RFC 5737): nobody's, so only the default route leads there. */
const ELSEWHERE = "192.0.2.1";

/**
 * The kernel would not pass a packet on that its neighbour sends to somebody else. It is asked for the route of such a
 * packet; none is sent. Where it has no way there itself, nothing can be told.
 * @param device Where the packet would come in.
 * @param neighbour The sender's address, one behind that device.
 */
export function notForwarded(device: string, neighbour: string): Probe {
  return {
    title: `what comes in by ${device} for others is not passed on`,
    commands: ["ip"],
    script: sh`ip -4 route get ${ELSEWHERE} >/dev/null || exit 2
answer=$(ip -4 route get ${ELSEWHERE} from ${neighbour} iif ${device} 2>&1) && exit 1
case $answer in *'No route to host'*) exit 0 ;; *) echo "$answer" >&2; exit 2 ;; esac`,
  };
}
