import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * A connection to a port of the node's own address is not answered, not even by a refusal, within three seconds. Where
 * it is refused nothing listens, and nothing can be told.
 * @param device The network device whose address is meant.
 */
export function portSilent(device: string, port: number): Probe {
  return {
    title: `nothing answers on port ${port}`,
    commands: ["ip", "nc"],
    script: sh`address=$(ip -o -4 address show dev ${device} scope global | sed -n 's/.* inet \([0-9.]*\).*/\1/p' | head -n 1)
[ -n "$address" ] || exit 2
answer=$(nc -n -v -z -w 3 "$address" ${port} 2>&1) && exit 1
case $answer in *refused*) echo "$answer" >&2; exit 2 ;; *) exit 0 ;; esac`,
  };
}
