import { posix } from "node:path";
import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** Of the disk that `path` is on, hardly more than so many per cent are free. */
export function diskFull(path: string, free: number): Probe {
  const folder = posix.dirname(path);
  return {
    title: `hardly more than ${free} % are free on the disk of ${folder}`,
    commands: [],
    // On a small disk a floor in MiB is more than that part: then it counts.
    script: sh`set -- $(df -Pk -- ${folder} | sed -n '2s/ \{1,\}/ /gp' | cut -d' ' -f2,4)
[ $# = 2 ] || exit 2
percent=${free + 1}
limit=$(($1 / 100 * percent))
[ "$limit" -ge 66560 ] || limit=66560
[ "$2" -le "$limit" ] || exit 1`,
  };
}
