import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** kubectl gets its credentials from a program. Asked of kubectl itself, without running the program. */
export function credentialsFromHelper(kubeconfig: string): Probe {
  return {
    title: `kubectl runs a program for its credentials (${kubeconfig})`,
    commands: ["kubectl"],
    script: sh`helper=$(kubectl --kubeconfig=${kubeconfig} config view --minify -o 'jsonpath={.users[*].user.exec.command}') || exit 2
[ -n "$helper" ] || exit 1`,
  };
}
