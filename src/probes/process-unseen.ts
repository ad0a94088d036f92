import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** systemd runs the unit, and ps does not show its process. */
export function processUnseen(unit: string): Probe {
  return {
    title: `the process of ${unit} runs, and ps does not show it`,
    commands: ["systemctl", "ps", "grep"],
    script: sh`pid=$(systemctl show -p MainPID --value -- ${unit}) || exit 2
[ "$pid" -gt 0 ] || exit 1
seen=$(ps -e -o pid=) || exit 2
if printf '%s\n' "$seen" | grep -qwF -e "$pid"; then exit 1; fi`,
  };
}
