import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** A search for `text` in the file finds nothing, though a person reading the file sees it there. */
export function textMissing(path: string, text: string): Probe {
  return {
    title: `a search for ${JSON.stringify(text)} in ${path} finds nothing`,
    commands: ["grep"],
    script: sh`[ -f ${path} ] || exit 1
if grep -qF -e ${text} -- ${path}; then exit 1; fi`,
  };
}

/** The file says `text`. */
export function textPresent(path: string, text: string): Probe {
  return {
    title: `${path} says ${JSON.stringify(text)}`,
    commands: ["grep"],
    script: sh`[ -f ${path} ] || exit 1
grep -qF -e ${text} -- ${path} || exit 1`,
  };
}
