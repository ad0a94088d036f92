import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError, PreconditionError, UsageError } from "../../errors.ts";
import { writeEnrolment } from "../../inventory/enrolment.ts";
import { identify } from "../../inventory/identify.ts";
import { importKind } from "../../inventory/import-kind.ts";
import { loadInventory } from "../../inventory/load.ts";
import type { Role } from "../../inventory/types.ts";
import { connect } from "../../transport/connect.ts";
import { attempt, run } from "../command.ts";
import { readIfThere, writeWhole } from "../file.ts";
import { labFolder } from "../folders.ts";
import { inventoryFile } from "../inventory.ts";
import { withLock } from "../lock.ts";
import { formatNodeCount, type NodeCount } from "../nodes.ts";
import { demandRequirements } from "../requirements.ts";
import { checkName, readLab } from "../state.ts";
import type { LabStatus, NodeStatus, Progress } from "../types.ts";
import { kindRequirements } from "./requirements.ts";

/**
 * Practice nodes that kind makes: containers of a Docker engine, with kind's own Kubernetes. All that is kbreak's are an
 * inventory, its enrolment, a kubeconfig and the record that the cluster was made by it.
 */
interface KindLab {
  readonly version: 1;
  readonly count: NodeCount;
  /** False until kind has made it whole: what is there of it is removed then, and made anew. */
  readonly made: boolean;
}

const recordFile = (name: string) => join(labFolder(name), "kind.json");
const kubeconfigFile = (name: string) => join(labFolder(name), "kubeconfig");

function readKindLab(name: string): KindLab | undefined {
  checkName(name);
  const text = readIfThere(recordFile(name));
  return text === undefined ? undefined : JSON.parse(text);
}

function writeKindLab(name: string, lab: KindLab): void {
  mkdirSync(labFolder(name), { recursive: true, mode: 0o700 });
  writeWhole(recordFile(name), `${JSON.stringify(lab, undefined, 2)}\n`);
}

/** Whether a lab is one of kind's. */
export const isKindLab = (name: string): boolean => readKindLab(name) !== undefined;

/**
 * kind's configuration of a cluster of this size, as it takes it on standard input.
 * @param image Of its nodes. Default: the one that this kind was released with.
 */
export function kindConfig({ controlPlanes, workers }: NodeCount, image?: string): string {
  const of = image === undefined ? "" : `\n    image: ${JSON.stringify(image)}`;
  const nodes = (role: Role, amount: number) =>
    Array.from({ length: amount }, () => `  - role: ${role}${of}`);
  return `${[
    "kind: Cluster",
    "apiVersion: kind.x-k8s.io/v1alpha4",
    "nodes:",
    ...nodes("control-plane", controlPlanes),
    ...nodes("worker", workers),
  ].join("\n")}\n`;
}

export interface KindOptions {
  readonly name: string;
  /** Default: the lab's present size; for a new lab one control plane and one worker. */
  readonly count?: NodeCount;
  /** The image of its nodes. Default: the one that this kind was released with. */
  readonly image?: string;
  readonly progress?: Progress;
}

const whileLocked = <T>(name: string, progress: Progress, work: () => Promise<T>) =>
  withLock(
    join(dirname(labFolder(name)), `.${name}.lock`),
    () => progress(`lab ${name}: another kbreak is at work on it; waiting`),
    work,
  );

/**
 * Makes a kind cluster of the lab's name and its inventory, enrolled, or brings up what is stopped of it. Doing it twice
 * is the same as once, and a cluster that was not made whole is made anew.
 * @throws PreconditionError without Docker and kind, for a cluster of this name that kbreak has not made, and for another
 * size than the cluster has; KbreakError when kind fails, with what it said.
 */
export async function kindUp({ name, count, image, progress = () => {} }: KindOptions): Promise<LabStatus> {
  checkName(name);
  if (readLab(name) !== undefined)
    throw new PreconditionError(`lab ${name} is there already, of nodes of another kind`, {
      hint: `kbreak lab down --name ${name}, or another name: kbreak lab up --name NAME --provider kind`,
    });
  demandRequirements(await kindRequirements());
  return whileLocked(name, progress, async () => {
    const before = readKindLab(name);
    const exists = (await run(["kind", "get", "clusters"])).split("\n").includes(name);
    if (before === undefined && exists)
      throw new PreconditionError(`there is a kind cluster ${name} that kbreak has not made`, {
        hint: `to break it all the same: kbreak inventory import kind ${name} > ${name}.yaml`,
      });
    const wanted = count ?? before?.count ?? { controlPlanes: 1, workers: 1 };
    if (before?.made && exists) {
      refuseToResize(name, before.count, wanted);
      await startStopped(name);
    } else {
      if (exists) await run(deletion(name));
      writeKindLab(name, { version: 1, count: wanted, made: false });
      progress(`${name}: kind makes ${formatNodeCount(wanted)} nodes`);
      await run(creation(name), { input: kindConfig(wanted, image), onLine: progress });
    }
    await waitUntilReady(name);
    await writeInventory(name);
    writeKindLab(name, { version: 1, count: wanted, made: true });
    return kindStatus(name);
  });
}

const creation = (name: string) => [
  ...["kind", "create", "cluster", "--name", name, "--config", "-", "--kubeconfig", kubeconfigFile(name)],
];

const deletion = (name: string) => [
  ...["kind", "delete", "cluster", "--name", name, "--kubeconfig", kubeconfigFile(name)],
];

function refuseToResize(name: string, has: NodeCount, wanted: NodeCount): void {
  if (formatNodeCount(has) === formatNodeCount(wanted)) return;
  throw new PreconditionError(
    `lab ${name} has ${formatNodeCount(has)} nodes, and a kind cluster keeps its size`,
    {
      hint: `kbreak lab down --name ${name} && kbreak lab up --name ${name} --provider kind --nodes ${formatNodeCount(wanted)}`,
    },
  );
}

interface Container {
  readonly name: string;
  readonly running: boolean;
  /** kind's word for what it is: a role, or `external-load-balancer`. */
  readonly role: string;
  readonly address: string;
  readonly startedAt: Date;
}

/** The containers of the cluster, nodes first to last by name. */
async function containersOf(name: string): Promise<readonly Container[]> {
  const filter = `label=io.x-k8s.kind.cluster=${name}`;
  const ids = (await run(["docker", "ps", "--all", "--quiet", "--filter", filter]))
    .split("\n")
    .filter(Boolean);
  if (ids.length === 0) return [];
  const format =
    '{{.Name}}\t{{.State.Running}}\t{{index .Config.Labels "io.x-k8s.kind.role"}}\t{{.State.StartedAt}}\t{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';
  const lines = (await run(["docker", "inspect", "--format", format, ...ids])).split("\n").filter(Boolean);
  return lines
    .map((line) => {
      const [path = "", running = "", role = "", startedAt = "", addresses = ""] = line.split("\t");
      return {
        name: path.replace(/^\//, ""),
        running: running === "true",
        role,
        startedAt: new Date(startedAt),
        address: addresses.trim().split(" ")[0] ?? "",
      };
    })
    .toSorted((one, other) => one.name.localeCompare(other.name));
}

const isRole = (text: string): text is Role => text === "control-plane" || text === "worker";

async function startStopped(name: string): Promise<void> {
  const stopped = (await containersOf(name)).filter(({ running }) => !running).map((one) => one.name);
  if (stopped.length > 0) await run(["docker", "start", ...stopped]);
}

/** Milliseconds until all nodes of a cluster have to be Ready: five minutes. */
const PATIENCE = 300_000;

async function waitUntilReady(name: string): Promise<void> {
  const first = (await containersOf(name)).find(({ role }) => role === "control-plane");
  if (first === undefined) throw new KbreakError(`kind has made no control plane for ${name}`);
  const kubectl = ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "wait", "node", "--all"];
  const question = ["docker", "exec", first.name, ...kubectl, "--for=condition=Ready", "--timeout=10s"];
  for (const end = Date.now() + PATIENCE; ; await sleep(1000)) {
    const { code, stdout, stderr } = await attempt(question);
    if (code === 0) return;
    if (Date.now() > end)
      throw new KbreakError(`the nodes of ${name} are not Ready: ${(stderr || stdout).trim()}`, {
        hint: `docker exec ${first.name} kubectl --kubeconfig=/etc/kubernetes/admin.conf get nodes`,
      });
  }
}

/** The inventory of the cluster's nodes; they are enrolled, as they were made to be broken. */
async function writeInventory(name: string): Promise<void> {
  const file = inventoryFile(labFolder(name));
  writeWhole(file, await importKind(name, name), 0o644);
  const inventory = await loadInventory(file);
  const identities = await Promise.all(
    inventory.nodes.map(async (node) => {
      const connection = await connect(node, { hostKey: undefined });
      try {
        return [node.name, await identify(connection)] as const;
      } finally {
        await connection.close();
      }
    }),
  );
  await writeEnrolment(inventory, { version: 1, lab: inventory.name, nodes: Object.fromEntries(identities) });
}

/** Removes the cluster and all that kbreak has of it. Nothing happens when there is none. @throws as {@link kindUp} */
export async function kindDown(name: string, progress: Progress = () => {}): Promise<void> {
  if (readKindLab(name) === undefined) return;
  demandRequirements(await kindRequirements());
  await whileLocked(name, progress, async () => {
    await run(deletion(name), { onLine: progress });
    rmSync(labFolder(name), { recursive: true, force: true });
  });
}

/** What there is of the cluster and which of its nodes run. Changes nothing. @throws KbreakError without Docker. */
export async function kindStatus(name: string): Promise<LabStatus> {
  if (readKindLab(name) === undefined) return { name, state: "absent", nodes: [] };
  const nodes = (await containersOf(name)).flatMap(({ role, ...container }): readonly NodeStatus[] =>
    isRole(role)
      ? [
          {
            ...{ name: container.name, role, provider: "kind", address: container.address },
            state: container.running ? "running" : "stopped",
            ...(container.running
              ? { uptime: Math.round((Date.now() - container.startedAt.getTime()) / 1000) }
              : {}),
          },
        ]
      : [],
  );
  const running = nodes.filter(({ state }) => state === "running").length;
  return {
    name,
    state: running === 0 ? "stopped" : running === nodes.length ? "running" : "partial",
    inventory: inventoryFile(labFolder(name)),
    kubeconfig: kubeconfigFile(name),
    nodes,
  };
}

/**
 * The command line that gives a root shell on a node, or runs a command there.
 * @param terminal Whether there is one to give to it.
 * @throws UsageError when the cluster has no such node.
 */
export async function kindShell(
  name: string,
  node: string,
  command: readonly string[],
  terminal: boolean,
): Promise<readonly string[]> {
  const { nodes } = await kindStatus(name);
  if (!nodes.some((one) => one.name === node))
    throw new UsageError(
      `lab ${name} has no node ${node}; it has ${nodes.map((one) => one.name).join(", ")}`,
    );
  // As ssh does: the words become one line for the node's shell.
  const words = command.length === 0 ? ["bash", "-l"] : ["sh", "-c", command.join(" ")];
  return ["docker", "exec", "--interactive", ...(terminal ? ["--tty"] : []), node, ...words];
}
