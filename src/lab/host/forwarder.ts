import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { nodeFolder } from "../node-files.ts";
import type { LabNode } from "../nodes.ts";
import type { Lab } from "../types.ts";
import { isPopulated, start } from "./cgroup.ts";
import type { HostNames } from "./names.ts";

const socketProxy = "/usr/lib/systemd/systemd-socket-proxyd";

/** Makes the node's port of 127.0.0.1 lead to its ssh server, unless it does. */
export function startForwarder(names: HostNames, lab: Lab, node: LabNode): void {
  if (isPopulated(names.forwardCgroup(node.name))) return;
  const log = openSync(join(nodeFolder(lab, node), "forward.log"), "w", 0o600);
  // The socket belongs to the network namespace that it was made in, this host's; what systemd-socket-proxyd
  // connects to is looked for in the namespace that it was started in, the lab's.
  const argv = [
    ...["systemd-socket-activate", "-l", `127.0.0.1:${lab.ports[node.name]}`],
    ...["nsenter", `--net=/run/netns/${names.fabric}`, socketProxy, `${node.address}:22`],
  ];
  start(names.forwardCgroup(node.name), argv, log);
  closeSync(log);
}
