import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * kubectl cannot read the file: it is no YAML. Nobody is asked but kubectl itself (`--local`), and nothing is written.
 * Without the file nothing can be told.
 */
export function unreadableYaml(path: string): Probe {
  return {
    title: `${path} is no YAML`,
    commands: ["kubectl"],
    script: sh`[ -f ${path} ] || exit 2
answer=$(kubectl label --local --filename ${path} --output name probe=yes 2>&1) && exit 1
case $answer in *'error parsing '*) exit 0 ;; *) echo "$answer" >&2; exit 2 ;; esac`,
  };
}
