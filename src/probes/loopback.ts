import { trusted } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * The node gets no answer from itself: packets to 127.0.0.1 are lost, which no network can be blamed for.
 * Two are sent, each new to the kernel: the first one may take the last place in its table of connections.
 */
export function loopbackLoses(): Probe {
  return {
    title: "the node loses packets to itself",
    commands: ["ping"],
    script: trusted(String.raw`
for _ in 1 2; do
  code=0
  ping -n -q -c 1 -W 2 127.0.0.1 || code=$?
  case $code in 0) ;; 1) exit 0 ;; *) exit 2 ;; esac
done
exit 1`),
  };
}
