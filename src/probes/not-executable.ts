import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** One of these programs is there, and not even root can run it. */
export function notExecutable(paths: readonly string[]): Probe {
  return {
    title: `permission to run is denied for ${paths.join(", ")}`,
    commands: [],
    script: sh`for path in ${paths}; do
  if [ -f "$path" ] && [ ! -x "$path" ]; then exit 0; fi
done
exit 1`,
  };
}
