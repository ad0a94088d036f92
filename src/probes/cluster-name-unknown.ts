import { sh } from "../shell.ts";
import { apiProbe } from "./api.ts";
import type { Probe } from "./probe.ts";

/** A question for the address of a name, as DNS has it on the wire (RFC 1035), for `printf`. */
function questionOf(name: string): string {
  const octal = (byte: number) => `\\${byte.toString(8).padStart(3, "0")}`;
  const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
  return [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1].map(octal).join("");
}

/** Some pod of the cluster's DNS answers that there is no such name. They change one after the other, so each is asked. */
export function clusterNameUnknown(name: string): Probe {
  const { title, script, commands } = apiProbe(
    `the cluster's DNS says that there is no ${name}`,
    sh`servers=$(administer get endpointslices --namespace kube-system --selector kubernetes.io/service-name=kube-dns -o 'jsonpath={.items[*].endpoints[*].addresses[*]}') || exit 2
[ -n "$servers" ] || exit 2
for server in $servers; do
  answer=$(printf ${questionOf(name)} | nc -n -u -w 2 "$server" 53 | od -A n -t x1 -N 4 | tr -d ' ')
  case $answer in 0001???3) exit 0 ;; 0001????) ;; *) exit 2 ;; esac
done
exit 1`,
  );
  return { title, script, commands: [...commands, "nc"] };
}
