import { readable } from "./entries.ts";
import type { Section } from "./section.ts";
import { attributes, attributesOf } from "./sections/attributes.ts";
import { contents, contentsOf } from "./sections/contents.ts";
import type { Census, Listed } from "./sections/files.ts";
import type { Basis, Entries, Fingerprint } from "./types.ts";

/** A section that says the same of a path for as long as the path's state is the same. */
export interface Lasting {
  readonly whole: Section;
  readonly only: (paths: readonly Listed[]) => Section;
  readonly concerns: (path: Listed) => boolean;
  /** Whether it has an entry for each path that concerns it, and none for one that it could not read. */
  readonly complete: boolean;
}

/** The sections that need not look at every path again. */
export const lasting: readonly Lasting[] = [
  { whole: contents, only: contentsOf, concerns: ({ bytes }) => bytes !== undefined, complete: true },
  { whole: attributes, only: attributesOf, concerns: () => true, complete: false },
];

const keyOf = (path: Buffer) => path.toString("latin1");

/** What a look leaves for the next. */
export function basisOf({ machine, paths }: Census): Basis | undefined {
  if (machine === undefined) return undefined;
  const settled = paths
    .filter((each) => each.settled)
    .map(({ path, state }) => [keyOf(path), state] as const);
  return { machine, states: Object.fromEntries(settled) };
}

/** The entries that an earlier look lends to a section, and the paths that it has to look at again. */
export interface Kept {
  readonly entries: Entries;
  readonly stale: readonly Listed[];
}

/**
 * What is kept of an earlier look; `undefined` when that was at another boot or machine: a power cut may lose a file's
 * new time and keep its new bytes.
 */
export function keptOf(
  { whole, concerns, complete }: Lasting,
  { machine, paths }: Census,
  { basis, sections }: Fingerprint,
): Kept | undefined {
  const known = sections[whole.name];
  if (known === undefined || basis === undefined || basis.machine !== machine) return undefined;
  const entries: Record<string, string> = {};
  const stale: Listed[] = [];
  for (const listed of paths.filter(concerns)) {
    const name = readable(listed.path);
    const entry = known[name];
    const same = basis.states[keyOf(listed.path)] === listed.state;
    if (!same || (entry === undefined && complete)) stale.push(listed);
    else if (entry !== undefined) entries[name] = entry;
  }
  return { entries, stale };
}
