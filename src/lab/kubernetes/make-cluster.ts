import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError } from "../../errors.ts";
import type { LabNode } from "../nodes.ts";
import { nodesOf } from "../nodes.ts";
import type { Lab, Progress } from "../types.ts";
import { archivesFor } from "./container-images.ts";
import { initConfig, joinConfig } from "./kubeadm-config.ts";
import { onNode, step } from "./on-node.ts";
import type { ProgramImage } from "./program-image.ts";
import { archivesFolder } from "./program-image.ts";
import { kubernetesProvider } from "./provider.ts";
import { waitForCluster } from "./ready.ts";
import { workload } from "./workload.ts";

/** Milliseconds until a node takes commands, and until a new cluster is Ready. */
const startLimit = 60_000;
const clusterLimit = 240_000;

/** What a new cluster with its workload has, beside static pods: namespace and objects. */
export const rollouts = [
  ["kube-system", "daemonset/kube-proxy deployment/coredns"],
  ["default", "statefulset/postgres deployment/web"],
] as const;

async function boot(lab: Lab, node: LabNode): Promise<void> {
  await kubernetesProvider.start(lab, node);
  let last = "";
  for (const end = Date.now() + startLimit; Date.now() < end; await sleep(100)) {
    try {
      const { stdout, stderr } = await onNode(lab, node, "systemctl is-system-running --wait");
      if (/^(running|degraded)$/m.test(stdout)) return;
      last = (stdout + stderr).trim();
    } catch {
      last = "it has no process 1";
    }
  }
  throw new KbreakError(`${node.name} did not start in ${startLimit / 1000} s: ${last}`, {
    target: node.name,
  });
}

async function importImages(lab: Lab, node: LabNode, image: ProgramImage): Promise<void> {
  const works = node.role === "worker" || lab.count.workers === 0;
  const command = "ctr --namespace k8s.io images import --local --discard-unpacked-layers -";
  for (const file of archivesFor(archivesFolder(image.folder), node.role, works))
    await step(lab, node, `the import of ${basename(file)}`, command, { file });
}

async function kubeadm(lab: Lab, node: LabNode, verb: "init" | "join", config: string): Promise<void> {
  // Its only complaint is cgroup v1, where that is what this host has.
  const command = `cat >/run/kubeadm.yaml && kubeadm ${verb} --config /run/kubeadm.yaml --ignore-preflight-errors SystemVerification`;
  await step(lab, node, `kubeadm ${verb}`, command, { text: config });
}

/**
 * Makes a cluster with its workload on nodes that have nothing but the programs.
 * @throws KbreakError with the lines of the logs that matter.
 */
export async function makeCluster(lab: Lab, image: ProgramImage, progress: Progress): Promise<void> {
  const nodes = nodesOf(lab.count);
  const [first, ...others] = nodes;
  if (first === undefined) return;
  const begin = Date.now();
  const stage = (name: string) =>
    progress(`new cluster: ${name} after ${((Date.now() - begin) / 1000).toFixed(1)} s`);
  await Promise.all(nodes.map((node) => boot(lab, node)));
  await Promise.all(nodes.map((node) => importImages(lab, node, image)));
  stage("container images imported");
  await kubeadm(lab, first, "init", initConfig(first, image.version));
  stage("kubeadm init done");
  // One after the other: the cluster divides the pods' network among its nodes in the order in which they come.
  for (const node of others) await kubeadm(lab, node, "join", joinConfig(node, first));
  if (others.length === 0) {
    const command = "kubectl taint node --all node-role.kubernetes.io/control-plane-";
    await step(lab, first, "the removal of the taint", command);
  }
  stage("kubeadm join done");
  await step(lab, first, "the workload", "kubectl apply --filename -", { text: workload });
  // Pods that nobody has made yet are not missed by those who look at pods only.
  for (const [namespace, objects] of rollouts) {
    const command = `kubectl rollout status --namespace ${namespace} ${objects} --timeout ${clusterLimit / 1000}s`;
    await step(lab, first, `the start of ${objects}`, command);
  }
  await waitForCluster(lab, clusterLimit, (line) => progress(`new ${line}`));
}
