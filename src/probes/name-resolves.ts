import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** On this node the name is the address. Asked as programs ask: /etc/hosts first, then whatever else the node has. */
export function nameResolvesTo(name: string, address: string): Probe {
  return {
    title: `${name} is ${address}`,
    commands: ["getent"],
    script: sh`answer=$(getent ahosts ${name})
case $? in 0) ;; 2) exit 1 ;; *) exit 2 ;; esac
printf '%s\n' "$answer" | cut -d' ' -f1 | grep -qxF -e ${address}`,
  };
}
