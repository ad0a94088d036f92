import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * A datagram to a UDP port of the node's own address on which nobody listens is not answered by a refusal, as the kernel
 * would (ICMP port unreachable).
 * @param device The network device whose address is meant.
 */
export function udpSilent(device: string): Probe {
  return {
    title: "UDP gets no answer, not even a refusal",
    commands: ["ip", "nc", "ss"],
    // The discard service's port.
    script: sh`[ -z "$(ss -H -l -u -n 'sport = :9')" ] || exit 2
address=$(ip -o -4 address show dev ${device} scope global | sed -n 's/.* inet \([0-9.]*\).*/\1/p' | head -n 1)
[ -n "$address" ] || exit 2
nc -n -u -z -w 2 "$address" 9 || exit 1`,
  };
}
