import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { runAttached } from "../command.ts";
import { writeWhole } from "../file.ts";
import { isPopulated, killCgroup, runningSince, start, within } from "../host/cgroup.ts";
import { removeGroups } from "../host/hierarchies.ts";
import type { HostNames } from "../host/names.ts";
import { hostNames } from "../host/names.ts";
import { consoleLog, machineId, nodeFolder } from "../node-files.ts";
import type { LabNode } from "../nodes.ts";
import type { Lab, Progress, Provider } from "../types.ts";
import { diskIsFree, diskOf, ensureDisk } from "./disk.ts";
import { enterNode } from "./enter.ts";
import type { InitParts } from "./init-script.ts";
import { initScript } from "./init-script.ts";
import { makeNodeNetwork } from "./network.ts";

/** What tells one kind of namespace node from another. */
export interface NodeKind {
  /** Makes what all its nodes have in common. */
  prepare(lab: Lab, progress: Progress): Promise<void>;
  /** The folders that are the lower layers of a node's root, from the uppermost on. */
  layers(lab: Lab): readonly string[];
  /** Makes the node's disk in a new file: an ext4 with folders `upper` and `work`. */
  makeDisk(lab: Lab, node: LabNode, file: string): Promise<void>;
  /** Makes the groups of cgroup v1 that the node is in beside its own cgroup, and gives their paths. */
  groups(lab: Lab, node: LabNode): readonly string[];
  init(lab: Lab, node: LabNode): InitParts;
}

const namesOf = (lab: Lab): HostNames => hostNames(lab.name, lab.folder);

async function cutNode(lab: Lab, node: LabNode): Promise<void> {
  const names = namesOf(lab);
  await killCgroup(names.nodeCgroup(node.name));
  await removeGroups(names.nodeGroup(node.name));
}

async function startNode(kind: NodeKind, lab: Lab, node: LabNode): Promise<void> {
  const names = namesOf(lab);
  const cgroup = names.nodeCgroup(node.name);
  if (isPopulated(cgroup)) return;
  await cutNode(lab, node);
  await ensureDisk(lab, node, (file) => kind.makeDisk(lab, node, file));
  await Promise.all([makeNodeNetwork(names, node), diskIsFree(diskOf(lab, node))]);
  const root = join(cgroup, "root");
  const outer = join(cgroup, "outer");
  const script = join(nodeFolder(lab, node), "init.sh");
  writeWhole(script, initScript(kind.init(lab, node)));
  const identity = [node.name, nodeFolder(lab, node), machineId(lab, node)];
  const init = ["unshare", "--cgroup", "sh", script, ...identity, ...kind.layers(lab)];
  // The node sees `root` as the top of all cgroups. What waits for its end is not in there: a cgroup with processes
  // of its own may not hand controllers to its children, which systemd wants to do.
  const argv = [
    ...["nsenter", `--net=/run/netns/${names.network(node.name)}`],
    ...["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--propagation", "private"],
    ...[root, ...kind.groups(lab, node)].reduce<readonly string[]>(
      (inner, group) => within(group, inner),
      init,
    ),
  ];
  const log = openSync(consoleLog(lab, node), "w", 0o600);
  start(outer, argv, log);
  closeSync(log);
}

/** Nodes made of Linux namespaces: systemd as process 1, an own network and disk, the host's kernel. Needs root. */
export function namespaceNodes(kind: NodeKind): Provider {
  return {
    prepare: kind.prepare,
    start: (lab, node) => startNode(kind, lab, node),
    cut: cutNode,

    runningSince(lab, node) {
      return runningSince(join(namesOf(lab).nodeCgroup(node.name), "outer"));
    },

    async rescue(lab, node, command) {
      return runAttached(enterNode(lab, node, command));
    },
  };
}
