import { sh } from "../shell.ts";
import { readable } from "./entries.ts";
import type { Section } from "./section.ts";
import { attributes, attributesOf } from "./sections/attributes.ts";
import { contents, contentsOf } from "./sections/contents.ts";
import { etcd, etcdLog } from "./sections/etcd.ts";
import type { Census, Listed } from "./sections/files.ts";
import { isOfUnits, unitFiles } from "./sections/systemd.ts";
import type { Basis, Entries, Fingerprint } from "./types.ts";

const equalEntries = (one: Entries, other: Entries) => JSON.stringify(one) === JSON.stringify(other);

const keyOf = (path: Buffer) => path.toString("latin1");

/** What a look leaves for the next. */
export function basisOf({ machine, paths }: Census, signs: Basis["signs"] = {}): Basis | undefined {
  if (machine === undefined) return undefined;
  const states = paths.map(({ path, state, quiet }) => [keyOf(path), quiet ? state : ""] as const);
  return { machine, states: Object.fromEntries(states), signs };
}

const isAsItWas = ({ states }: Basis, { path, state }: Listed) => states[keyOf(path)] === state;

/** The entries that an earlier look lends to a section, and the paths that it has to look at again. */
export interface Kept {
  readonly entries: Entries;
  readonly stale: readonly Listed[];
}

/** What tells whether anything changed since an earlier look. */
export interface Now {
  readonly paths: readonly Listed[];
  readonly signs: Basis["signs"];
}

/** A section that says the same for as long as the states of some paths, or another sign, are the same. */
export interface Lasting {
  readonly whole: Section;
  /** Looked at in front of it, as it takes less time. */
  readonly sign?: Section;
  /** `undefined` when it has to be looked at as a whole. */
  readonly keep: (now: Now, basis: Basis, known: Entries) => Kept | undefined;
  /** The section for some paths only. */
  readonly only: (paths: readonly Listed[]) => Section;
}

function keepEach(paths: readonly Listed[], basis: Basis, known: Entries, needsEntry: boolean): Kept {
  const entries: Record<string, string> = {};
  const stale: Listed[] = [];
  for (const listed of paths) {
    const name = readable(listed.path);
    const entry = known[name];
    if (!listed.dated || !isAsItWas(basis, listed) || (entry === undefined && needsEntry)) stale.push(listed);
    else if (entry !== undefined) entries[name] = entry;
  }
  return { entries, stale };
}

const hashes: Lasting = {
  whole: contents,
  // A file without a hash is one that could not be read.
  keep: ({ paths }, basis, known) =>
    keepEach(
      paths.filter(({ bytes }) => bytes !== undefined),
      basis,
      known,
      true,
    ),
  only: contentsOf,
};

const flags: Lasting = {
  whole: attributes,
  keep: ({ paths }, basis, known) => keepEach(paths, basis, known, false),
  only: attributesOf,
};

/** systemd reads every unit file some dozen times to tell their states, which is a third of a look at a slow machine. */
const enabled: Lasting = {
  whole: unitFiles,
  keep({ paths }, basis, known) {
    const now = paths.filter(({ path }) => isOfUnits(keyOf(path)));
    const before = Object.keys(basis.states).filter(isOfUnits);
    const same = now.length === before.length && now.every((listed) => isAsItWas(basis, listed));
    return same ? { entries: known, stale: [] } : undefined;
  },
  only: () => ({ ...unitFiles, script: sh`:` }),
};

const stored: Lasting = {
  whole: etcd,
  sign: etcdLog,
  keep({ signs }, basis, known) {
    const [now, before] = [signs[etcdLog.name], basis.signs[etcdLog.name]];
    const counted = now?.raftIndex !== undefined && before !== undefined;
    return counted && equalEntries(now, before) ? { entries: known, stale: [] } : undefined;
  },
  only: () => ({ ...etcd, script: sh`:`, read: () => ({}) }),
};

/** The sections that need not look at everything again. */
export const lasting: readonly Lasting[] = [hashes, flags, enabled, stored];

/**
 * What is kept of an earlier look; `undefined` when that was at another boot or machine: a power cut may lose a file's
 * new time and keep its new bytes.
 */
export function keptOf(
  { whole, keep }: Lasting,
  { machine, paths }: Census,
  { basis, sections }: Fingerprint,
  signs: Basis["signs"] = {},
): Kept | undefined {
  const known = sections[whole.name];
  if (known === undefined || basis === undefined || basis.machine !== machine) return undefined;
  return keep({ paths, signs }, basis, known);
}
