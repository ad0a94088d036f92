import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * A search for `text` in the file finds nothing, though a person reading the file sees it there. Without the file
 * nothing can be told: who removed it has not fixed it.
 */
export function textMissing(path: string, text: string): Probe {
  return {
    title: `a search for ${JSON.stringify(text)} in ${path} finds nothing`,
    commands: ["grep"],
    script: sh`[ -f ${path} ] || exit 2
grep -qF -e ${text} -- ${path}
case $? in 0) exit 1 ;; 1) exit 0 ;; *) exit 2 ;; esac`,
  };
}

/** The file says `text`. Without the file nothing can be told, as above. */
export function textPresent(path: string, text: string): Probe {
  return {
    title: `${path} says ${JSON.stringify(text)}`,
    commands: ["grep"],
    script: sh`[ -f ${path} ] || exit 2
grep -qF -e ${text} -- ${path}`,
  };
}
