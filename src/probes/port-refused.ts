import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** A connection of the node to its own port is refused though somebody listens there. */
export function portRefused(port: number): Probe {
  return {
    title: `port ${port} refuses connections, and its service listens`,
    commands: ["nc", "ss"],
    script: sh`address=$(ss -H -l -t -n ${`sport = :${port}`} | sed -n '1s/^[^ ]* *[0-9]* *[0-9]* *\([^ ]*\):[0-9]* .*/\1/p')
case $address in '') exit 2 ;; '*' | 0.0.0.0 | '[::]') address=127.0.0.1 ;; esac
answer=$(nc -n -v -z -w 3 "$(printf %s "$address" | tr -d '[]')" ${port} 2>&1) && exit 1
case $answer in *refused*) exit 0 ;; *) echo "$answer" >&2; exit 2 ;; esac`,
  };
}
