import { closeSync, existsSync, openSync, renameSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError, PreconditionError } from "../../errors.ts";
import { run, runAttached } from "../command.ts";
import { readIfThere, writeWhole } from "../file.ts";
import { isPopulated, killCgroup, runningSince, start, within } from "../host/cgroup.ts";
import type { HostNames } from "../host/names.ts";
import { hostNames } from "../host/names.ts";
import { ensureImage, imageFolder } from "../image/image.ts";
import { consoleLog, machineId, nodeFiles, nodeFolder } from "../node-files.ts";
import type { LabNode } from "../nodes.ts";
import { writeTree } from "../tree.ts";
import type { Lab, Provider } from "../types.ts";
import { initScript } from "./init-script.ts";
import { makeNodeNetwork } from "./network.ts";

const diskSize = "1G";

const namesOf = (lab: Lab): HostNames => hostNames(lab.name, lab.folder);
const diskOf = (lab: Lab, node: LabNode): string => join(nodeFolder(lab, node), "disk.img");

/** Makes a node's disk with its own files on it, unless it has one. */
async function makeDisk(lab: Lab, node: LabNode): Promise<void> {
  const disk = diskOf(lab, node);
  if (existsSync(disk)) return;
  const content = join(nodeFolder(lab, node), "content");
  await run(["rm", "-rf", "--one-file-system", "--", content]);
  writeTree(content, [
    { path: "/work", folder: true, mode: 0o755 },
    { path: "/upper", folder: true, mode: 0o755 },
  ]);
  writeTree(join(content, "upper"), await nodeFiles(lab, node));
  const unfinished = `${disk}.tmp`;
  await run(["rm", "-f", "--", unfinished]);
  await run([
    ...["mkfs.ext4", "-q", "-F", "-m", "0", "-d", content],
    ...["-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", unfinished, diskSize],
  ]);
  renameSync(unfinished, disk);
  await run(["rm", "-rf", "--one-file-system", "--", content]);
}

/** Waits until no loop device holds the disk: the kernel lets go of it some time after the last process is gone. */
async function diskIsFree(disk: string): Promise<void> {
  for (const end = Date.now() + 10_000; ; await sleep(10)) {
    if ((await run(["losetup", "-j", disk])).trim() === "") return;
    if (Date.now() > end) {
      throw new KbreakError(`${disk} is still in use by a loop device`, { hint: `losetup -j ${disk}` });
    }
  }
}

async function startNode(lab: Lab, node: LabNode): Promise<void> {
  const names = namesOf(lab);
  const cgroup = names.nodeCgroup(node.name);
  if (isPopulated(cgroup)) return;
  await killCgroup(cgroup);
  await makeDisk(lab, node);
  await Promise.all([makeNodeNetwork(names, node), diskIsFree(diskOf(lab, node))]);
  const root = join(cgroup, "root");
  const outer = join(cgroup, "outer");
  const script = join(nodeFolder(lab, node), "init.sh");
  writeWhole(script, initScript);
  const init = ["sh", script, node.name, imageFolder(), nodeFolder(lab, node), machineId(lab, node)];
  // The node sees `root` as the top of all cgroups. What waits for its end is not in there: a cgroup with processes
  // of its own may not hand controllers to its children, which systemd wants to do.
  const argv = [
    ...["nsenter", `--net=/run/netns/${names.network(node.name)}`],
    ...["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--propagation", "private"],
    ...within(root, ["unshare", "--cgroup", ...init]),
  ];
  const log = openSync(consoleLog(lab, node), "w", 0o600);
  start(outer, argv, log);
  closeSync(log);
}

/** The process of this host that is process 1 of the node, or `undefined`. systemd keeps itself in `init.scope`. */
function firstProcess(cgroup: string): string | undefined {
  const pids =
    readIfThere(join(cgroup, "root", "init.scope", "cgroup.procs"))
      ?.trim()
      .split("\n") ?? [];
  return pids.find((pid) => /^NSpid:.*\t1$/m.test(readIfThere(`/proc/${pid}/status`) ?? ""));
}

/** Nodes made of Linux namespaces: systemd as process 1, an own network and disk, the host's kernel. Needs root. */
export const namespaceProvider: Provider = {
  async prepare(progress) {
    await ensureImage(progress);
  },

  start: startNode,

  async cut(lab, node) {
    await killCgroup(namesOf(lab).nodeCgroup(node.name));
  },

  runningSince(lab, node) {
    return runningSince(join(namesOf(lab).nodeCgroup(node.name), "outer"));
  },

  async rescue(lab, node, command) {
    const cgroup = namesOf(lab).nodeCgroup(node.name);
    const pid = firstProcess(cgroup);
    if (pid === undefined) throw new PreconditionError(`${node.name} of lab ${lab.name} does not run`);
    const enter = ["nsenter", "--target", pid, "--all"];
    const environment = ["env", "-i", "HOME=/root", `TERM=${process.env.TERM ?? "dumb"}`];
    const shell = command === undefined ? ["bash", "-l"] : ["bash", "-lc", command];
    // In a cgroup of the node's, so that it ends with the node and does not hold its disk.
    return runAttached(within(join(cgroup, "outer"), [...enter, ...environment, ...shell]));
  },
};
