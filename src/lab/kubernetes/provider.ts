import { existsSync } from "node:fs";
import { join } from "node:path";
import { KbreakError, PreconditionError } from "../../errors.ts";
import { run } from "../command.ts";
import { limitMemory } from "../host/cgroup.ts";
import { hierarchies, makeGroups } from "../host/hierarchies.ts";
import { hostNames } from "../host/names.ts";
import { imageFolder } from "../image/image.ts";
import { diskEntries, makeDisk } from "../namespace/disk.ts";
import { namespaceNodes } from "../namespace/node.ts";
import { identityFiles } from "../node-files.ts";
import type { LabNode } from "../nodes.ts";
import { nodesOf } from "../nodes.ts";
import { writeTree } from "../tree.ts";
import type { Lab, LabKubernetes, Provider } from "../types.ts";
import { kubernetesParts } from "./init-parts.ts";
import { podNetworkFiles } from "./pod-network.ts";
import { programsRoot } from "./program-image.ts";

/** Not more than is used: a disk is a sparse file. */
const diskSize = "8G";
const mebibyte = 1024 ** 2;

/** Bytes. An idle control plane takes 430 MiB and a worker 110 MiB; the rest is for what runs there. */
const memoryOf = (node: LabNode): number => (node.role === "control-plane" ? 3072 : 1536) * mebibyte;

function kubernetesOf(lab: Lab): LabKubernetes {
  if (lab.kubernetes === undefined) throw new KbreakError(`lab ${lab.name} has no Kubernetes`);
  return lab.kubernetes;
}

/** The name of a node's disk in the folder of a saved cluster. */
export const savedDisk = (node: LabNode): string => `${node.name}.img`;

/** Makes a disk that goes on from a saved one, as a node of this lab. */
async function copySaved(lab: Lab, node: LabNode, saved: string, file: string): Promise<void> {
  await run(["cp", "--reflink=auto", "--sparse=always", "--", saved, file]);
  const content = `${file}.content`;
  await run(["rm", "-rf", "--one-file-system", "--", content]);
  writeTree(content, identityFiles(lab, node));
  const script = `mount -o loop,noatime "$1" /mnt && cp -a "$2/." /mnt/upper/ && umount /mnt`;
  await run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", file, content]);
  await run(["rm", "-rf", "--one-file-system", "--", content]);
}

/** Namespace nodes for a real Kubernetes: with the programs of one, and all that these need of a machine. */
export const kubernetesProvider: Provider = namespaceNodes({
  async prepare(lab) {
    const { programs, saved } = kubernetesOf(lab);
    const missing = [imageFolder(), programs, ...(saved === undefined ? [] : [saved])].find(
      (folder) => !existsSync(folder),
    );
    if (missing === undefined) return;
    throw new PreconditionError(`lab ${lab.name} needs ${missing}, and it is gone from the cache`, {
      hint: `kbreak lab down --name ${lab.name} && kbreak lab up --name ${lab.name} --kubernetes`,
    });
  },

  layers: (lab) => [programsRoot(kubernetesOf(lab).programs), imageFolder()],

  async makeDisk(lab, node, file) {
    const { saved } = kubernetesOf(lab);
    if (saved !== undefined) return copySaved(lab, node, join(saved, savedDisk(node)), file);
    const containers = { path: "/containerd", folder: true, mode: 0o711 } as const;
    const files = [...identityFiles(lab, node), ...podNetworkFiles(nodesOf(lab.count), node)];
    await makeDisk(file, diskSize, [containers, ...diskEntries(files)]);
  },

  groups(lab, node) {
    const names = hostNames(lab.name, lab.folder);
    limitMemory(names.nodeCgroup(node.name), memoryOf(node));
    return makeGroups(names.nodeGroup(node.name), memoryOf(node));
  },

  init: (_lab, node) => kubernetesParts(memoryOf(node), hierarchies()),
});
