import { join } from "node:path";
import { PreconditionError } from "../../errors.ts";
import { readIfThere } from "../file.ts";
import { within } from "../host/cgroup.ts";
import { hostNames } from "../host/names.ts";
import type { LabNode } from "../nodes.ts";
import type { Lab } from "../types.ts";

/** The process of this host that is process 1 of the node, or `undefined`. systemd keeps itself in `init.scope`. */
function firstProcess(cgroup: string): string | undefined {
  const pids =
    readIfThere(join(cgroup, "root", "init.scope", "cgroup.procs"))
      ?.trim()
      .split("\n") ?? [];
  return pids.find((pid) => /^NSpid:.*\t1$/m.test(readIfThere(`/proc/${pid}/status`) ?? ""));
}

/**
 * The command line that runs a command, or an interactive shell, as root on a namespace node, without its network and
 * its ssh server.
 * @throws PreconditionError when the node does not run.
 */
export function enterNode(lab: Lab, node: LabNode, command: string | undefined): readonly string[] {
  const cgroup = hostNames(lab.name, lab.folder).nodeCgroup(node.name);
  const pid = firstProcess(cgroup);
  if (pid === undefined) throw new PreconditionError(`${node.name} of lab ${lab.name} does not run`);
  const enter = ["nsenter", "--target", pid, "--all"];
  const environment = ["env", "-i", "HOME=/root", `TERM=${process.env.TERM ?? "dumb"}`];
  const shell = command === undefined ? ["bash", "-l"] : ["bash", "-lc", command];
  // In a cgroup of the node's, so that it ends with the node and does not hold its disk.
  return within(join(cgroup, "outer"), [...enter, ...environment, ...shell]);
}
