import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** The kernel has no way to the address. It is asked; nothing is sent. */
export function noWayTo(address: string): Probe {
  return {
    title: `there is no way to ${address}`,
    commands: ["ip"],
    script: sh`answer=$(ip route get ${address} 2>&1) && exit 1
case $answer in *'No route to host'* | *'Invalid argument'* | *'Permission denied'* | *unreachable*) exit 0 ;;
*) echo "$answer" >&2; exit 2 ;; esac`,
  };
}
