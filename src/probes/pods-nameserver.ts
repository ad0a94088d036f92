import { trusted } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * The name server that the kubelet writes into the resolv.conf of new pods does not take a connection, which every DNS
 * server must (RFC 7766).
 */
export function podsNameserverSilent(): Probe {
  return {
    title: "the name server that new pods get does not answer",
    commands: ["nc"],
    script: trusted(String.raw`
server=$(sed -n '/^clusterDNS:/{n;s/^ *- *"\{0,1\}\([0-9a-f.:]*\)"\{0,1\} *$/\1/p;}' /var/lib/kubelet/config.yaml)
[ -n "$server" ] || exit 2
if nc -n -z -w 3 "$server" 53; then exit 1; fi
exit 0`),
  };
}
