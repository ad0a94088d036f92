import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** The host answers a ping, but takes at least so many milliseconds. */
export function slowAnswer(host: string, milliseconds: number): Probe {
  return {
    title: `${host} takes ${milliseconds} ms and more to answer`,
    commands: ["ping"],
    script: sh`answer=$(ping -n -q -c 3 -i 0.2 -W 5 -- ${host}) || exit 2
shortest=$(printf '%s\n' "$answer" | sed -n 's/.*= *\([0-9]*\)[.0-9]*\/.*/\1/p')
[ "$shortest" -ge ${milliseconds} ] || exit 1`,
  };
}
