import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * A port of the node's own takes a connection, as the kernel does for whoever listens, and then nobody says a word.
 * Asked in TLS; any answer will do, a refusal too. Where the connection is not taken nothing can be told.
 * @param address One that the service listens on.
 */
export function portMute(address: string, port: number): Probe {
  return {
    title: `port ${port} takes connections and says nothing`,
    commands: ["curl", "nc"],
    // 28: the time was up.
    script: sh`nc -n -z -w 3 ${address} ${port} || exit 2
curl -s -k -o /dev/null --noproxy '*' --max-time 5 ${`https://${address}:${port}/`}
[ $? = 28 ]`,
  };
}
