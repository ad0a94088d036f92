import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** systemd does not run the unit. Whether it should cannot be told of one that systemd does not know. */
export function unitInactive(unit: string): Probe {
  return {
    title: `${unit} does not run`,
    commands: ["systemctl"],
    script: sh`[ "$(systemctl show -p LoadState --value -- ${unit})" != not-found ] || exit 2
case $(systemctl show -p ActiveState --value -- ${unit}) in
active | reloading | refreshing) exit 1 ;;
inactive | failed) exit 0 ;;
*) exit 2 ;; esac`,
  };
}
