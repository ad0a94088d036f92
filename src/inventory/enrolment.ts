import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { EnrolmentError, messageOf } from "../errors.ts";
import { isRecord } from "../schema.ts";
import type { Enrolment, Identity, Inventory } from "./types.ts";

/** Path of an inventory's lock file. */
export function enrolmentFile(inventory: Pick<Inventory, "file">): string {
  return `${inventory.file}.lock`;
}

/**
 * The nodes of an inventory that are enrolled as a lab; none when there is no lock file yet.
 * @throws EnrolmentError when the lock file cannot be used: damaged, of another version, or of another lab.
 */
export async function readEnrolment(inventory: Inventory): Promise<Enrolment> {
  const file = enrolmentFile(inventory);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new EnrolmentError(`${file} cannot be read: ${error.message}`, { cause: error });
  });
  if (text === undefined) return { version: 1, lab: inventory.name, nodes: {} };
  const enrolment = parse(file, text);
  if (enrolment.lab === inventory.name) return enrolment;
  throw new EnrolmentError(
    `${file} enrols the lab "${enrolment.lab}", but the inventory's name is "${inventory.name}"`,
    {
      hint: `if the lab was renamed, remove ${file} and type: kbreak inventory enrol -i ${inventory.file}`,
    },
  );
}

/** Writes the lock file as a whole or not at all. */
export async function writeEnrolment(inventory: Inventory, enrolment: Enrolment): Promise<void> {
  const file = enrolmentFile(inventory);
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString("hex")}`);
  try {
    await writeSynced(temporary, `${JSON.stringify(enrolment, undefined, 2)}\n`);
    await rename(temporary, file);
    await syncFolder(dirname(file));
  } catch (error) {
    await rm(temporary, { force: true });
    throw new EnrolmentError(`${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * What a node was enrolled with.
 * @throws EnrolmentError when it is not enrolled.
 */
export function enrolledIdentity(inventory: Inventory, enrolment: Enrolment, node: string): Identity {
  const identity = Object.hasOwn(enrolment.nodes, node) ? enrolment.nodes[node] : undefined;
  if (identity !== undefined) return identity;
  throw new EnrolmentError(`${node} is not enrolled as a lab node, so nothing of it is changed`, {
    target: node,
    hint: `kbreak inventory enrol -i ${inventory.file}`,
  });
}

/** What tells a machine from all others. */
export function machineOf({ containerId, machineId }: Identity): string {
  return containerId ?? machineId;
}

/**
 * Makes sure that a node is the machine that was enrolled under its name, and of the cluster that it was of. A host key is
 * compared where both the enrolment and this connection have one, a cluster where both know authorities.
 * @throws EnrolmentError when it is not enrolled, is another machine, or of another cluster.
 */
export function checkIdentity(
  inventory: Inventory,
  enrolment: Enrolment,
  node: string,
  seen: Identity,
): void {
  const enrolled = enrolledIdentity(inventory, enrolment, node);
  const sameKey =
    enrolled.hostKey === undefined || seen.hostKey === undefined || enrolled.hostKey === seen.hostKey;
  const sameMachine =
    enrolled.containerId === undefined
      ? enrolled.machineId === seen.machineId
      : enrolled.containerId === seen.containerId;
  const others = othersOf(enrolled, seen);
  if (sameKey && sameMachine && others.length === 0) return;
  const hint = `make sure that ${node} is your lab's, then: kbreak inventory enrol -i ${inventory.file} --replace ${node}`;
  const message =
    sameKey && sameMachine
      ? otherCluster(node, enrolled, others)
      : difference(node, enrolled, seen, sameKey, sameMachine);
  throw new EnrolmentError(message, { target: node, hint });
}

type ClusterIdentity = Pick<Identity, "authorities" | "clusterUid">;

/** By what the cluster is another one; nothing when it is the same, or cannot be told from it. */
function othersOf(enrolled: ClusterIdentity, seen: ClusterIdentity): readonly string[] {
  const { authorities: known = [], clusterUid: uid } = enrolled;
  const { authorities: found = [], clusterUid: foundUid } = seen;
  // A node with no certificate of an authority tells nothing: `kubeadm reset` leaves none, and a break may hide them.
  if (known.length > 0 && found.length > 0 && !found.some((one) => known.includes(one))) return found;
  return uid === undefined || foundUid === undefined || uid === foundUid ? [] : [foundUid];
}

/**
 * What is told of a node whose cluster was made anew.
 * @param seen SHA-256 of its authorities' certificates; or else its uid, when it was made anew with the old ones.
 */
export function otherCluster(node: string, known: ClusterIdentity, seen: readonly string[]): string {
  const difference = seen.some((one) => one.includes("-"))
    ? `the uid of its namespace kube-system was ${known.clusterUid} and is ${seen.join()}`
    : `its authorities' certificates (SHA-256) were ${shortened(known.authorities ?? [])} and are ${shortened(seen)}`;
  return `${node} is of another cluster than when it was enrolled: made anew, as by kubeadm reset and init, or joined to another one; ${difference}`;
}

const shortened = (authorities: readonly string[]) =>
  [...new Set(authorities)].map((one) => `${one.slice(0, 16)}…`).join(", ");

function difference(
  node: string,
  enrolled: Identity,
  seen: Identity,
  sameKey: boolean,
  sameMachine: boolean,
): string {
  const key = `its host key was ${enrolled.hostKey} and is ${seen.hostKey}`;
  const machine = machineDifference(enrolled, seen);
  if (sameMachine)
    return `${node} has another ssh host key than when it was enrolled: new keys were made, or something answers in its place; ${key}`;
  if (enrolled.containerId !== undefined)
    return `${node} is not the container that was enrolled: it was removed, and another one has its name now; ${machine}`;
  if (sameKey)
    return `${node} is not the machine that was enrolled: it was installed anew with its old keys, or is a copy; ${machine}`;
  return `${node} is not the machine that was enrolled: it was installed anew, or its address belongs to another machine now; ${key}, ${machine}`;
}

function machineDifference(enrolled: Identity, seen: Identity): string {
  if (enrolled.containerId === undefined)
    return `its machine-id was ${enrolled.machineId} and is ${seen.machineId}`;
  return `its id was ${enrolled.containerId} and is ${seen.containerId ?? "none"}`;
}

function parse(file: string, text: string): Enrolment {
  const value = parseJson(text);
  if (isRecord(value) && typeof value.version === "number" && value.version !== 1) {
    throw new EnrolmentError(`${file} is of version ${value.version}, this kbreak knows version 1 only`, {
      hint: "use the kbreak that wrote it, or a newer one",
    });
  }
  if (isEnrolment(value)) return value;
  throw new EnrolmentError(`${file} is damaged: it is not what kbreak wrote`, {
    hint: `bring it back from your version control, or remove it and enrol the lab again`,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isEnrolment(value: unknown): value is Enrolment {
  return (
    isRecord(value) &&
    typeof value.lab === "string" &&
    isRecord(value.nodes) &&
    Object.values(value.nodes).every(isIdentity)
  );
}

const isTexts = (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === "string");

function isIdentity(value: unknown): value is Identity {
  return (
    isRecord(value) &&
    typeof value.machineId === "string" &&
    (value.containerId === undefined || typeof value.containerId === "string") &&
    (value.hostKey === undefined || typeof value.hostKey === "string") &&
    (value.authorities === undefined || isTexts(value.authorities)) &&
    (value.clusterUid === undefined || typeof value.clusterUid === "string")
  );
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx", 0o644);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The new name is on the disk only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
