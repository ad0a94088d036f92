import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { KbreakError, messageOf } from "../errors.ts";
import { differences } from "./differences.ts";
import type { Difference, Fingerprint } from "./types.ts";

/** Looks at several nodes, as they are kept in a file. */
export interface Snapshot {
  readonly version: 1;
  readonly fingerprints: readonly Fingerprint[];
}

/** What two snapshots do not agree on for one node. */
export interface NodeDifferences {
  readonly node: string;
  readonly differences: readonly Difference[];
}

export interface Comparison {
  /** The nodes of both snapshots, in the first one's order; also those without a difference. */
  readonly nodes: readonly NodeDifferences[];
  /** Nodes that only one of them looked at. */
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
}

async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString("hex")}`);
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: "wx", flush: true });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Writes a snapshot for its owner only (mode 0600), as a whole or not at all: it names files and holds command lines.
 * Missing folders are made, for the owner only.
 * @throws KbreakError when the file cannot be written.
 */
export async function saveSnapshot(file: string, fingerprints: readonly Fingerprint[]): Promise<void> {
  const snapshot: Snapshot = {
    version: 1,
    fingerprints: fingerprints.map(({ basis: _, ...fingerprint }) => fingerprint),
  };
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeWhole(file, `${JSON.stringify(snapshot)}\n`);
  } catch (cause) {
    throw new KbreakError(`${file} cannot be written: ${messageOf(cause)}`, { cause });
  }
}

function isSnapshot(value: unknown): value is Snapshot {
  if (typeof value !== "object" || value === null || !("version" in value)) return false;
  return value.version === 1 && "fingerprints" in value && Array.isArray(value.fingerprints);
}

/**
 * Reads what {@link saveSnapshot} wrote.
 * @throws KbreakError when there is no such file, or it is no snapshot of this version.
 */
export async function loadSnapshot(file: string): Promise<Snapshot> {
  const hint = "`kbreak diff save NAME` makes one";
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new KbreakError(`${file} cannot be read: ${messageOf(cause)}`, { cause, hint });
  }
  if (isSnapshot(value)) return value;
  throw new KbreakError(`${file} is no snapshot that this version can read`, { hint });
}

/** Compares two snapshots node by node. */
export function compare(before: Snapshot, after: Snapshot): Comparison {
  const now = new Map(after.fingerprints.map((each) => [each.node, each] as const));
  const known = new Set(before.fingerprints.map(({ node }) => node));
  return {
    nodes: before.fingerprints.flatMap((one) => {
      const other = now.get(one.node);
      return other === undefined ? [] : [{ node: one.node, differences: differences(one, other) }];
    }),
    onlyBefore: [...known].filter((node) => !now.has(node)),
    onlyAfter: [...now.keys()].filter((node) => !known.has(node)),
  };
}
