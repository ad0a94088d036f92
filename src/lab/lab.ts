import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { PreconditionError, UsageError } from "../errors.ts";
import { attempt, run } from "./command.ts";
import { choosePorts, ensureForwarders } from "./doorways.ts";
import { labFolder } from "./folders.ts";
import { isPopulated, killCgroup } from "./host/cgroup.ts";
import { inotifyRequirement } from "./host/inotify.ts";
import { hostNames } from "./host/names.ts";
import { fabricIsUp, makeFabric } from "./host/network.ts";
import { removeFromHost } from "./host/remove.ts";
import { defaultInventory, inventoryFile, writeInventory } from "./inventory.ts";
import { ensureCluster } from "./kubeadm/cluster.ts";
import { kubernetesStatus } from "./kubernetes/access.ts";
import { bringUpCluster } from "./kubernetes/bring-up.ts";
import { checkKubernetes, type KubernetesWish, prepareKubernetes } from "./kubernetes/choose.ts";
import { fabricRoutes } from "./kubernetes/pod-network.ts";
import { kubernetesProvider } from "./kubernetes/provider.ts";
import { withLock } from "./lock.ts";
import { namespaceProvider } from "./namespace/provider.ts";
import { ensureIdentity, ensureUserKey, hostsLine } from "./node-files.ts";
import type { LabNode, NodeCount } from "./nodes.ts";
import { formatNodeCount, nodesOf } from "./nodes.ts";
import { chooseProviders, type ProviderWish } from "./providers.ts";
import { waitUntilReady } from "./ready.ts";
import { demandRequirements, labRequirements } from "./requirements.ts";
import { sshCommand } from "./ssh.ts";
import { checkName, readLab, writeLab } from "./state.ts";
import type { Lab, LabStatus, NodeStatus, Progress, Provider, ProviderName } from "./types.ts";
import { vmProvider } from "./vm/provider.ts";

export { defaultInventory };

const providers: Readonly<Record<ProviderName, Provider>> = { namespace: namespaceProvider, vm: vmProvider };

const providerOf = (lab: Lab, node: LabNode): Provider =>
  lab.kubernetes === undefined ? providers[lab.providers[node.name] ?? "namespace"] : kubernetesProvider;

export interface UpOptions {
  readonly name: string;
  /** Default: the lab's present size; for a new lab one control plane and one worker. */
  readonly count?: NodeCount;
  /** Default: new nodes are made as all others are; in a new lab they are namespace nodes. */
  readonly provider?: ProviderWish;
  /** A new lab gets a real Kubernetes; default: the lab is what it was, and a new one has none. */
  readonly kubernetes?: KubernetesWish;
  /** Default: silent. */
  readonly progress?: Progress;
}

function lockFile(name: string): string {
  return join(dirname(labFolder(name)), `.${name}.lock`);
}

function whileLocked<T>(name: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  const onWait = () => progress(`lab ${name}: another kbreak is at work on it; waiting`);
  return withLock(lockFile(name), onWait, work);
}

function refuseToShrink(lab: Lab, wanted: NodeCount): void {
  const { controlPlanes, workers } = lab.count;
  if (wanted.controlPlanes >= controlPlanes && wanted.workers >= workers) return;
  throw new PreconditionError(
    `lab ${lab.name} has ${formatNodeCount(lab.count)} nodes and is not made smaller to ${formatNodeCount(wanted)}: a node's disk would be lost`,
    {
      hint: `kbreak lab down --name ${lab.name} && kbreak lab up --name ${lab.name} --nodes ${formatNodeCount(wanted)}`,
    },
  );
}

/** The nodes that were there before get the names of the new ones; a new node knows all from its start. */
async function announce(lab: Lab, before: Lab | undefined): Promise<void> {
  if (before === undefined) return;
  const old = nodesOf(before.count);
  const fresh = nodesOf(lab.count).filter((node) => !old.some(({ name }) => name === node.name));
  if (fresh.length === 0) return;
  const input = fresh.map((node) => `${hostsLine(node)}\n`).join("");
  await Promise.all(
    old.map((node) => attempt([...sshCommand(lab, node.name), "cat >>/etc/hosts"], { input })),
  );
}

/** Makes the network between the nodes, unless it is there. */
async function ensureFabric(lab: Lab): Promise<void> {
  const names = hostNames(lab.name, lab.folder);
  if (await fabricIsUp(names)) return;
  await killCgroup(join(names.cgroup, "forward"));
  await makeFabric(names, lab.kubernetes === undefined ? [] : fabricRoutes(nodesOf(lab.count)));
}

/** @throws PreconditionError when this host cannot run the nodes that do not run yet. */
function demandHost(name: string, kinds: Lab["providers"], kubernetes: boolean): void {
  demandRequirements(
    labRequirements([...new Set(Object.values(kinds)), ...(kubernetes ? (["kubernetes"] as const) : [])]),
  );
  const names = hostNames(name, labFolder(name));
  const asleep = Object.keys(kinds).filter(
    (node) => kinds[node] === "namespace" && !isPopulated(names.nodeCgroup(node)),
  );
  demandRequirements([inotifyRequirement(asleep.length, kubernetes)]);
}

/**
 * Makes a lab, or brings an existing one up: makes the nodes that are missing and starts those that are down. Doing it
 * twice is the same as once, and it goes on from wherever an earlier one was ended.
 * Returns when every node takes logins and, on control planes, etcd serves; with a Kubernetes, when all its nodes and pods
 * are Ready and its workload's page is served.
 * @throws PreconditionError when this host cannot have a lab, or the lab would have to lose nodes.
 */
export async function labUp(options: UpOptions): Promise<LabStatus> {
  const { name, progress = () => {} } = options;
  checkName(name);
  return whileLocked(name, progress, async () => {
    const before = readLab(name);
    const count = options.count ?? before?.count ?? { controlPlanes: 1, workers: 1 };
    if (before !== undefined) refuseToShrink(before, count);
    const nodes = nodesOf(count);
    checkKubernetes(name, before, options.kubernetes, count, options.provider);
    const kinds = chooseProviders(nodes, before?.providers ?? {}, options.provider);
    demandHost(name, kinds, options.kubernetes !== undefined || before?.kubernetes !== undefined);
    const kubernetes =
      before?.kubernetes ??
      (options.kubernetes && (await prepareKubernetes(options.kubernetes, count, progress)));
    const folder = labFolder(name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const wanted = { count, ...(kubernetes === undefined ? {} : { kubernetes }) };
    const ports = await choosePorts(name, folder, wanted, before);
    const lab: Lab = { name, folder, providers: kinds, ports, ...wanted };
    writeLab(lab);
    for (const provider of new Set(nodes.map((node) => providerOf(lab, node))))
      await provider.prepare(lab, progress);
    await Promise.all([
      ensureUserKey(lab),
      ...(kubernetes === undefined ? [ensureCluster(folder)] : []),
      ...nodes.map((node) => ensureIdentity(lab, node)),
    ]);
    writeInventory(lab);
    const begin = Date.now();
    await ensureFabric(lab);
    // First all are started: asking whether one is ready takes time that another needs for its start.
    await Promise.all(nodes.map((node) => providerOf(lab, node).start(lab, node)));
    ensureForwarders(lab);
    await Promise.all(
      nodes.map(async (node) => {
        await waitUntilReady(lab, node);
        progress(`${node.name}: ready after ${((Date.now() - begin) / 1000).toFixed(1)} s`);
      }),
    );
    await announce(lab, before);
    if (kubernetes !== undefined) await bringUpCluster(lab, progress);
    return statusOf(lab);
  });
}

/**
 * Ends and removes the lab and all that was made for it, its nodes' disks too. Nothing happens when there is none.
 * @throws KbreakError when something of it does not end.
 */
export async function labDown(name: string, progress: Progress = () => {}): Promise<void> {
  checkName(name);
  await whileLocked(name, progress, async () => {
    const folder = labFolder(name);
    // Not what `lab.json` says: the file may be lost while the nodes still run.
    await removeFromHost({ name, folder });
    await run(["rm", "-rf", "--one-file-system", "--", hostNames(name, folder).runtime, folder]);
  });
}

function nodeStatus(lab: Lab, node: LabNode): NodeStatus {
  const since = providerOf(lab, node).runningSince(lab, node);
  return {
    name: node.name,
    role: node.role,
    provider: lab.providers[node.name] ?? "namespace",
    address: node.address,
    sshPort: lab.ports[node.name] ?? 0,
    state: since === undefined ? "stopped" : "running",
    ...(since === undefined ? {} : { uptime: Math.round((Date.now() - since.getTime()) / 1000) }),
  };
}

function statusOf(lab: Lab): LabStatus {
  const nodes = nodesOf(lab.count).map((node) => nodeStatus(lab, node));
  const running = nodes.filter(({ state }) => state === "running").length;
  const state = running === nodes.length ? "running" : running === 0 ? "stopped" : "partial";
  const kubernetes = kubernetesStatus(lab);
  return {
    ...{ name: lab.name, state, inventory: inventoryFile(lab.folder), nodes },
    ...(kubernetes === undefined ? {} : { kubernetes }),
  };
}

/** What there is of the lab and which of its nodes run. Changes nothing. */
export function labStatus(name: string): LabStatus {
  const lab = readLab(name);
  return lab === undefined ? { name, state: "absent", nodes: [] } : statusOf(lab);
}

function find(name: string, nodeName: string): { readonly lab: Lab; readonly node: LabNode } {
  const lab = readLab(name);
  if (lab === undefined) {
    throw new PreconditionError(`there is no lab ${name}`, { hint: `kbreak lab up --name ${name}` });
  }
  const nodes = nodesOf(lab.count);
  const node = nodes.find((each) => each.name === nodeName);
  if (node === undefined) {
    throw new UsageError(
      `lab ${name} has no node ${nodeName}; it has ${nodes.map((each) => each.name).join(", ")}`,
    );
  }
  return { lab, node };
}

/**
 * The command line of the system's ssh that logs in to a node.
 * @throws PreconditionError when there is no such lab, UsageError when it has no such node.
 */
export function labSsh(name: string, nodeName: string, user = "root"): readonly string[] {
  const { lab, node } = find(name, nodeName);
  return sshCommand(lab, node.name, user);
}

/**
 * Opens a root shell on this terminal, or runs a command there, by a way that needs neither the node's network nor its
 * ssh server. Gives the exit code. Throws as {@link labSsh} does, and PreconditionError when the node does not run.
 */
export function labRescue(name: string, nodeName: string, command?: string): Promise<number> {
  const { lab, node } = find(name, nodeName);
  return providerOf(lab, node).rescue(lab, node, command);
}

/** Ends a node at once, as a power cut does; its disk stays. Throws as {@link labSsh} does. */
export async function powerCut(name: string, nodeName: string): Promise<void> {
  const { lab, node } = find(name, nodeName);
  await whileLocked(
    name,
    () => {},
    () => providerOf(lab, node).cut(lab, node),
  );
}

/** Starts a node that does not run and waits until it is ready. Throws as {@link labSsh} does. */
export async function startNode(name: string, nodeName: string): Promise<void> {
  const { lab, node } = find(name, nodeName);
  await whileLocked(
    name,
    () => {},
    async () => {
      await providerOf(lab, node).start(lab, node);
      ensureForwarders(lab);
      await waitUntilReady(lab, node);
    },
  );
}
