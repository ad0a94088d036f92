import { lines, sh, trusted } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * The name server that the kubelet writes into the resolv.conf of new pods does not take a connection, which every DNS
 * server must (RFC 7766).
 * @param from Who asks. `pod`: in the network of the first pod that is found, with the node's own program.
 */
export function podsNameserverSilent(from: "node" | "pod" = "node"): Probe {
  return {
    title: `the name server that new pods get does not answer ${from === "node" ? "" : "a pod"}`.trim(),
    commands: from === "node" ? ["nc"] : ["nc", "nsenter"],
    script: lines(
      trusted(String.raw`
server=$(sed -n '/^clusterDNS:/{n;s/^ *- *"\{0,1\}\([0-9a-f.:]*\)"\{0,1\} *$/\1/p;}' /var/lib/kubelet/config.yaml)
[ -n "$server" ] || exit 2
pod_network() { # of a process that is in another network than the node
  own=$(readlink /proc/1/ns/net)
  for one in /proc/[0-9]*/ns/net; do
    network=$(readlink "$one") || continue
    if [ "$network" != "$own" ]; then echo "$one"; return; fi
  done
}`),
      from === "node"
        ? sh`if nc -n -z -w 3 "$server" 53; then exit 1; fi`
        : sh`network=$(pod_network)
[ -n "$network" ] || exit 2
if nsenter --net="$network" nc -n -z -w 3 "$server" 53; then exit 1; fi`,
      sh`exit 0`,
    ),
  };
}
