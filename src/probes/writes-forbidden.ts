import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * The API server forbids a write to its administrator. It is asked for a rehearsal (`--dry-run=server`), which goes
 * through all of admission and stores nothing.
 */
export function writesForbidden(kubeconfig = "/etc/kubernetes/admin.conf"): Probe {
  return {
    title: "the API server forbids every write",
    commands: ["kubectl"],
    script: sh`answer=$(kubectl --kubeconfig=${kubeconfig} --request-timeout=5s -n kube-system \
  create configmap probe --dry-run=server -o name 2>&1) && exit 1
case $answer in *[Ff]orbidden*) exit 0 ;; *) echo "$answer" >&2; exit 2 ;; esac`,
  };
}
