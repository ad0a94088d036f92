import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** The container runtime runs no container of this name. */
export function noContainer(name: string): Probe {
  return {
    title: `no container ${name} runs`,
    commands: ["crictl"],
    script: sh`found=$(crictl ps --quiet --state running --name ${`^${name}$`}) || exit 2
[ -z "$found" ]`,
  };
}
