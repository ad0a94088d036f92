import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** New pods of this node come into the network of this name, as the container runtime tells. */
export function podNetwork(name: string): Probe {
  return {
    title: `new pods come into the network ${name}`,
    commands: ["crictl"],
    // Of the networks that are told, the first ones are the runtime's own: that of the loopback device.
    script: sh`networks=$(crictl info -o json) || exit 2
case $networks in *'"Networks"'*) ;; *) exit 2 ;; esac
printf '%s\n' "$networks" | grep -q -e ${`^ *"Name": "${name}",*$`} -e ${`^ *"name": "${name}",*$`}`,
  };
}
