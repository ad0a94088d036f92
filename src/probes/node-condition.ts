import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * A condition of this node, as the API server tells it: of the kubelet's own credentials, which every node has and
 * which may read nothing but the node itself. Without an answer nothing can be told.
 * @param type Such as `Ready` or `MemoryPressure`.
 * @param healthy The status that it has on a node that is well.
 */
export function nodeCondition(type: string, healthy: "True" | "False"): Probe {
  return {
    title: `the node's condition ${type} is not ${healthy}`,
    commands: ["kubectl"],
    // The kubelet lowers the host's name, as names of API objects have no capitals. `--raw` keeps kubectl from writing
    // what it learns of the API to root's folder.
    script: sh`name=$(hostname | tr '[:upper:]' '[:lower:]')
node=$(kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=5s get --raw "/api/v1/nodes/$name") || exit 2
case $node in
*${`"type":"${type}","status":"${healthy}"`}*) exit 1 ;;
*${`"type":"${type}","status":"`}*) exit 0 ;;
*) exit 2 ;; esac`,
  };
}
