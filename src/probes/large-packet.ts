import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * A packet of so many bytes that may not be cut up does not leave the node, while a small one is answered.
 * Whether it leaves cannot be told where the host answers no ping at all.
 */
export function largePacketRefused(host: string, bytes: number): Probe {
  return {
    title: `a packet of ${bytes} bytes to ${host} is too large to be sent`,
    commands: ["ping"],
    // The headers of IPv4 and ICMP take 28 bytes.
    script: sh`try() { ping -n -c 3 -i 0.2 -W 2 "$@" -- ${host} 2>&1; }
if answer=$(try -M do -s ${bytes - 28}); then exit 1; fi
case $answer in *'essage too long'*) ;; *) exit 2 ;; esac
try -s 16 || exit 2`,
  };
}
