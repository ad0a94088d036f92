import { credentialHelper } from "../operations/administrator.ts";
import type { KubectlQuestion } from "../playbook/types.ts";
import { type Shell, sh } from "../shell.ts";

/**
 * Asks a node's kubectl with the node's admin kubeconfig: prints `=answer` with what it found in base64, and its
 * complaints beside it.
 *
 * What a break may have put in the way is not run: neither another `kubectl` of the PATH, nor a kubeconfig's
 * credential helper, nor root's kuberc. Nothing is written: kubectl would keep a cache in root's home.
 */
export function kubectlScript(question: KubectlQuestion, deadline: number): Shell {
  return sh`exec 3>&1
config=/etc/kubernetes/admin.conf
kubectl=/usr/bin/kubectl
[ -x "$kubectl" ] || kubectl=/usr/local/bin/kubectl
[ -x "$kubectl" ] || { echo 'there is no kubectl in /usr/bin and /usr/local/bin'; exit 1; }
[ -r "$config" ] || { echo "there is no $config: ask on a control plane node"; exit 1; }
if grep -qE ${credentialHelper} "$config"; then
  echo "$config has a credential helper, which kbreak does not run"
  exit 1
fi
export KUBERC=off
answer=$(timeout -k 1 ${deadline + 1} "$kubectl" --kubeconfig "$config" --cache-dir /dev/null --request-timeout ${`${deadline}s`} ${wordsOf(question, deadline)} 2>&3)
put answer "$(printf %s "$answer" | b64)"`;
}

function wordsOf(question: KubectlQuestion, deadline: number): readonly string[] {
  // A kubeconfig's context may name another namespace.
  const scope = [
    "--namespace",
    question.namespace ?? "default",
    ...(question.selector === undefined ? [] : ["--selector", question.selector]),
  ];
  if ("wait" in question)
    return ["wait", `--for=${question.for}`, `--timeout=${deadline}s`, ...scope, "--", question.wait];
  const output = question.jsonpath === undefined ? "name" : `jsonpath=${question.jsonpath}`;
  return ["get", "--output", output, ...scope, "--", question.get];
}
