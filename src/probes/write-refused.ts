import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** Not even root can open the file for writing. Opening writes nothing and moves no timestamp. */
export function writeRefused(path: string): Probe {
  return {
    title: `root cannot write ${path}`,
    commands: [],
    script: sh`[ -e ${path} ] || exit 1
if (: >> ${path}) 2>/dev/null; then exit 1; fi`,
  };
}
