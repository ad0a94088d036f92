import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** kubectl with this kubeconfig asks that server. Asked of kubectl itself; nothing is sent. */
export function kubectlAsks(kubeconfig: string, server: string): Probe {
  return {
    title: `kubectl asks ${server} (${kubeconfig})`,
    commands: ["kubectl"],
    script: sh`asked=$(kubectl --kubeconfig=${kubeconfig} config view --minify -o 'jsonpath={.clusters[0].cluster.server}') || exit 2
[ "$asked" = ${server} ] || exit 1`,
  };
}

/** kubectl's user has a client certificate that names no group, so that no role is bound to it. */
export function userInNoGroup(kubeconfig: string): Probe {
  return {
    title: `the user of ${kubeconfig} is a member of no group`,
    commands: ["kubectl", "openssl", "base64"],
    // Who has put other credentials there has fixed it.
    script: sh`data=$(kubectl --kubeconfig=${kubeconfig} config view --raw --minify -o 'jsonpath={.users[0].user.client-certificate-data}') || exit 2
[ -n "$data" ] || exit 1
subject=$(printf %s "$data" | base64 -d | openssl x509 -noout -subject -nameopt multiline) || exit 2
case $subject in *organizationName*) exit 1 ;; esac`,
  };
}
