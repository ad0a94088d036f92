import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError } from "../../errors.ts";
import { run } from "../command.ts";
import { isPopulated } from "../host/cgroup.ts";
import { hostNames } from "../host/names.ts";
import { makeFabric } from "../host/network.ts";
import { removeFromHost } from "../host/remove.ts";
import { buildOnce, digest, imagesFolder } from "../image/build.ts";
import { diskIsFree, diskOf } from "../namespace/disk.ts";
import { ensureIdentity, ensureUserKey } from "../node-files.ts";
import type { LabNode, NodeCount } from "../nodes.ts";
import { formatNodeCount, nodesOf } from "../nodes.ts";
import type { Lab, Progress } from "../types.ts";
import { initConfig, joinConfig } from "./kubeadm-config.ts";
import { makeCluster, rollouts } from "./make-cluster.ts";
import { onNode, step } from "./on-node.ts";
import { fabricRoutes, podNetworkFiles } from "./pod-network.ts";
import type { ProgramImage } from "./program-image.ts";
import { kubernetesProvider, savedDisk } from "./provider.ts";
import { workload } from "./workload.ts";

/** Milliseconds that a node has for its shutdown. */
const shutdownLimit = 120_000;

// kubeadm's certificates are good for a year; no cluster with expired ones is to come back from the cache.
const period = () => Math.floor(Date.now() / (180 * 24 * 60 * 60 * 1000));

/** The name of the saved cluster's kubeconfig of `kubernetes-admin`. */
export const savedKubeconfig = "admin.conf";

// Who comes up again waits until the lease of its last minute has run out before it leads. Only when its holder is
// gone does a lease that is removed stay so, and only without the kubelet does the holder.
const releaseLeases = [
  "systemctl stop kubelet",
  "crictl ps --quiet --name 'kube-(controller-manager|scheduler)' | xargs crictl stop",
  "kubectl delete lease --namespace kube-system kube-controller-manager kube-scheduler",
].join(" && ");

/** Ends a node as its own `poweroff` does, so that its disk is whole. */
async function shutDown(lab: Lab, node: LabNode): Promise<void> {
  await onNode(lab, node, "systemctl poweroff");
  const cgroup = hostNames(lab.name, lab.folder).nodeCgroup(node.name);
  for (const end = Date.now() + shutdownLimit; isPopulated(cgroup); await sleep(50)) {
    if (Date.now() < end) continue;
    throw new KbreakError(`${node.name} did not shut down in ${shutdownLimit / 1000} s`, {
      target: node.name,
    });
  }
  await kubernetesProvider.cut(lab, node);
  await diskIsFree(diskOf(lab, node));
}

/** Keeps a node's disk. What only tells of its making goes, and so does the room that it took in the file. */
async function keepDisk(lab: Lab, node: LabNode, folder: string): Promise<void> {
  const disk = diskOf(lab, node);
  const script = [
    'mount -o loop,noatime "$1" /mnt',
    "rm -rf /mnt/upper/var/log/journal/* /mnt/upper/root/.cache",
    "fstrim /mnt",
    "umount /mnt",
  ].join(" && ");
  await run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", disk]);
  await diskIsFree(disk);
  renameSync(disk, join(folder, savedDisk(node)));
}

/**
 * Gives the folder of a saved cluster with its workload, that labs of this size go on from; makes it when it is not in
 * the cache, which takes about two minutes.
 * All labs that go on from it share its certificate authority, and each has machine-ids and ssh keys of its own.
 * @throws KbreakError when it cannot be made, with the lines of the logs that matter.
 */
export async function ensureSavedCluster(
  image: ProgramImage,
  count: NodeCount,
  progress: Progress,
): Promise<string> {
  const nodes = nodesOf(count);
  const [first, ...others] = nodes;
  if (first === undefined) throw new KbreakError("a cluster has at least one node");
  const configs = nodes.map((node) =>
    node === first ? initConfig(node, image.version) : joinConfig(node, first),
  );
  const network = nodes.map((node) => podNetworkFiles(nodes, node));
  const steps = [configs, network, workload, rollouts, releaseLeases];
  const key = JSON.stringify([basename(image.folder), steps, period()]);
  const title = `saved cluster ${image.version} of ${formatNodeCount(count)} nodes`;
  const build = async (folder: string) => {
    // Always the same folder, so that the next build finds on this host what a killed one has left.
    const lab: Lab = {
      ...{ name: "saved", folder: join(imagesFolder(), "cluster.tmp"), count, ports: {} },
      providers: Object.fromEntries(nodes.map(({ name }) => [name, "namespace"])),
      kubernetes: { version: image.version, programs: image.folder },
    };
    await removeFromHost(lab);
    await run(["rm", "-rf", "--one-file-system", "--", lab.folder]);
    for (const path of [lab.folder, folder]) mkdirSync(path, { mode: 0o700 });
    try {
      await Promise.all([ensureUserKey(lab), ...nodes.map((node) => ensureIdentity(lab, node))]);
      await makeFabric(hostNames(lab.name, lab.folder), fabricRoutes(nodes));
      await makeCluster(lab, image, progress);
      const admin = await step(lab, first, "admin.conf", "cat /etc/kubernetes/admin.conf");
      writeFileSync(join(folder, savedKubeconfig), admin, { mode: 0o600 });
      // The control plane last: the kubelets have something to tell it until then.
      for (const node of others) await shutDown(lab, node);
      await step(lab, first, "the release of leases", releaseLeases);
      await shutDown(lab, first);
      for (const node of nodes) await keepDisk(lab, node, folder);
    } finally {
      await removeFromHost(lab);
    }
  };
  const folder = join(imagesFolder(), `cluster-${digest(key)}`);
  return buildOnce({ title, folder, takes: "about two minutes", build }, progress);
}
