import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** Somebody else than the unit listens on the unit's port. */
export function portSquatted(port: number, unit: string): Probe {
  return {
    title: `port ${port} is taken, and not by ${unit}`,
    commands: ["ss"],
    script: sh`holders=$(ss -H -l -t -n -p ${`sport = :${port}`}) || exit 2
for pid in $(printf '%s\n' "$holders" | grep -o 'pid=[0-9]*' | cut -d= -f2); do
  grep -q -F -e ${`/${unit}`} "/proc/$pid/cgroup" || exit 0
done
exit 1`,
  };
}
