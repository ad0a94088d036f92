import { closeSync, existsSync, openSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError } from "../../errors.ts";
import { run } from "../command.ts";
import { readIfThere } from "../file.ts";
import { machineId, nodeFiles, nodeFolder } from "../node-files.ts";
import type { LabNode } from "../nodes.ts";
import { nodesOf } from "../nodes.ts";
import { writeTree } from "../tree.ts";
import type { Lab, Provider } from "../types.ts";
import { isPopulated, killCgroup, runningSince, start, within } from "./cgroup.ts";
import { ensureImage, imageFolder } from "./image.ts";
import { initScript } from "./init-script.ts";
import type { HostNames } from "./names.ts";
import { hostNames } from "./names.ts";
import { fabricIsUp, makeFabric, makeNodeNetwork, removeNetworks } from "./network.ts";

const diskSize = "1G";
const socketProxy = "/usr/lib/systemd/systemd-socket-proxyd";

const namesOf = (lab: Lab): HostNames => hostNames(lab.name, lab.folder);
const diskOf = (lab: Lab, node: LabNode): string => join(nodeFolder(lab, node), "disk.img");
const consoleOf = (lab: Lab, node: LabNode): string => join(nodeFolder(lab, node), "console.log");

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

function startForwarder(lab: Lab, node: LabNode): void {
  const names = namesOf(lab);
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

async function startNode(lab: Lab, node: LabNode): Promise<void> {
  const names = namesOf(lab);
  const cgroup = names.nodeCgroup(node.name);
  if (isPopulated(cgroup)) return;
  await killCgroup(cgroup);
  await Promise.all([makeNodeNetwork(names, node), diskIsFree(diskOf(lab, node))]);
  const root = join(cgroup, "root");
  const outer = join(cgroup, "outer");
  const script = join(lab.folder, "init.sh");
  const init = ["sh", script, node.name, imageFolder(), nodeFolder(lab, node), machineId(lab, node)];
  // The node sees `root` as the top of all cgroups. What waits for its end is not in there: a cgroup with processes
  // of its own may not hand controllers to its children, which systemd wants to do.
  const argv = [
    ...["nsenter", `--net=/run/netns/${names.network(node.name)}`],
    ...["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--propagation", "private"],
    ...within(root, ["unshare", "--cgroup", ...init]),
  ];
  const log = openSync(consoleOf(lab, node), "w", 0o600);
  start(outer, argv, log);
  closeSync(log);
}

/** Nodes made of Linux namespaces: systemd as process 1, an own network and disk, the host's kernel. Needs root. */
export const namespaceProvider: Provider = {
  async prepare(progress) {
    await ensureImage(progress);
  },

  async up(lab) {
    const names = namesOf(lab);
    writeFileSync(join(lab.folder, "init.sh"), initScript, { mode: 0o600 });
    const nodes = nodesOf(lab.count);
    const fabric = async () => {
      if (await fabricIsUp(names)) return;
      await killCgroup(join(names.cgroup, "forward"));
      await makeFabric(names);
    };
    await Promise.all([fabric(), ...nodes.map((node) => makeDisk(lab, node))]);
    await Promise.all(nodes.map((node) => startNode(lab, node)));
    for (const node of nodes) startForwarder(lab, node);
  },

  start: startNode,

  async cut(lab, node) {
    await killCgroup(namesOf(lab).nodeCgroup(node.name));
  },

  async down(name, folder) {
    const names = hostNames(name, folder);
    await killCgroup(names.cgroup);
    await removeNetworks(names);
  },

  runningSince(lab, node) {
    return runningSince(join(namesOf(lab).nodeCgroup(node.name), "outer"));
  },

  holdsPort(lab, node) {
    return isPopulated(namesOf(lab).forwardCgroup(node.name));
  },

  console(lab, node) {
    return readIfThere(consoleOf(lab, node)) ?? "";
  },
};
