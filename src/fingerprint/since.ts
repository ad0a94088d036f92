import { readable } from "./entries.ts";
import type { Census, Hashable } from "./sections/files.ts";
import type { Basis, Entries, Fingerprint } from "./types.ts";

/** The hashes that an earlier look lends to a new one, and the files that have to be hashed again. */
export interface Kept {
  readonly hashes: Entries;
  readonly stale: readonly Hashable[];
}

const keyOf = (path: Buffer) => path.toString("latin1");

/** What a look leaves for the next. */
export function basisOf({ machine, files }: Census): Basis | undefined {
  if (machine === undefined) return undefined;
  const settled = files
    .filter((file) => file.settled)
    .map(({ path, state }) => [keyOf(path), state] as const);
  return { machine, files: Object.fromEntries(settled) };
}

/**
 * What is kept of an earlier look. `undefined` when it was at another boot or another machine: a power cut may lose a
 * file's new time and keep its new bytes.
 */
export function keptOf({ machine, files }: Census, { basis, sections }: Fingerprint): Kept | undefined {
  if (basis === undefined || basis.machine !== machine) return undefined;
  const known = sections.contents ?? {};
  const hashes: Record<string, string> = {};
  const stale: Hashable[] = [];
  for (const file of files) {
    const name = readable(file.path);
    const hash = basis.files[keyOf(file.path)] === file.state ? known[name] : undefined;
    if (hash === undefined) stale.push(file);
    else hashes[name] = hash;
  }
  return { hashes, stale };
}
