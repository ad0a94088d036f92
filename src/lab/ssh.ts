import { knownHosts } from "./inventory.ts";
import { userKey } from "./node-files.ts";
import type { Lab } from "./types.ts";

/** The command line that logs in to a node with the system's ssh, with the lab's own key and known hosts. */
export function sshCommand(lab: Lab, node: string, user = "root"): readonly string[] {
  return [
    ...["ssh", "-F", "none", "-i", userKey(lab), "-p", String(lab.ports[node])],
    ...["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"],
    ...["-o", `UserKnownHostsFile="${knownHosts(lab)}"`, "-o", "GlobalKnownHostsFile=none"],
    ...["-o", "StrictHostKeyChecking=yes", "-o", "UpdateHostKeys=no", "-o", "ConnectTimeout=10"],
    `${user}@127.0.0.1`,
  ];
}
