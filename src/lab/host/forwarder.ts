import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Doorway, Lab } from "../types.ts";
import { isPopulated, start } from "./cgroup.ts";
import type { HostNames } from "./names.ts";

const socketProxy = "/usr/lib/systemd/systemd-socket-proxyd";

/** Makes the doorway's port of 127.0.0.1 lead to its target, unless it does. */
export function startForwarder(names: HostNames, lab: Lab, { name, target }: Doorway): void {
  if (isPopulated(names.forwardCgroup(name))) return;
  const log = openSync(join(lab.folder, `${name}.forward.log`), "w", 0o600);
  // The socket belongs to the network namespace that it was made in, this host's; what systemd-socket-proxyd
  // connects to is looked for in the namespace that it was started in, the lab's.
  const argv = [
    ...["systemd-socket-activate", "-l", `127.0.0.1:${lab.ports[name]}`],
    ...["nsenter", `--net=/run/netns/${names.fabric}`, socketProxy, target],
  ];
  start(names.forwardCgroup(name), argv, log);
  closeSync(log);
}
