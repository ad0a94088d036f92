import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * A condition of this node, as the API server tells it: of the kubelet's own credentials, which every node has and
 * which may read nothing but the node itself. Without an answer nothing can be told.
 * @param type Such as `Ready` or `MemoryPressure`.
 * @param healthy The status that it has on a node that is well.
 */
export function nodeCondition(type: string, healthy: "True" | "False"): Probe {
  const path = `{.status.conditions[?(@.type=="${type}")].status}`;
  return {
    title: `the node's condition ${type} is not ${healthy}`,
    commands: ["kubectl"],
    // The kubelet lowers the host's name, as names of API objects have no capitals.
    script: sh`status=$(kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=5s get node \
  "$(hostname | tr '[:upper:]' '[:lower:]')" -o ${`jsonpath=${path}`}) || exit 2
case $status in ${healthy}) exit 1 ;; True | False | Unknown) exit 0 ;; *) exit 2 ;; esac`,
  };
}
