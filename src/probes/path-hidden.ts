import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * The main process of a unit sees something else under a path than the node does, or, where the unit cannot start any
 * more, nobody does. Without the path nothing can be told.
 */
export function pathHidden(unit: string, path: string): Probe {
  return {
    title: `${unit} does not see ${path}`,
    commands: ["systemctl", "stat"],
    script: sh`is=$(stat -L -c %d:%i -- ${path}) || exit 2
pid=$(systemctl show -p MainPID --value -- ${unit})
if [ "$pid" = 0 ]; then
  case $(systemctl show -p ActiveState --value -- ${unit}) in activating | failed) exit 0 ;; *) exit 2 ;; esac
fi
seen=$(stat -L -c %d:%i -- "/proc/$pid/root"${path}) || seen=nothing
if [ "$seen" = "$is" ]; then exit 1; fi`,
  };
}
