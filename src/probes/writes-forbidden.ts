import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** Of no consequence: it is never stored. */
const object = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "probe" } });

/**
 * The API server forbids a write to its administrator. It is asked for a rehearsal (`dryRun`), which goes through all of
 * admission and stores nothing.
 */
export function writesForbidden(kubeconfig = "/etc/kubernetes/admin.conf"): Probe {
  return {
    title: "the API server forbids every write",
    commands: ["kubectl"],
    script: sh`answer=$(printf %s ${object} | kubectl --kubeconfig=${kubeconfig} --request-timeout=5s create \
  --raw '/api/v1/namespaces/kube-system/configmaps?dryRun=All' -f - 2>&1) && exit 1
case $answer in *[Ff]orbidden*) exit 0 ;; *) echo "$answer" >&2; exit 2 ;; esac`,
  };
}
