import type { Entries, Fingerprint, Skipped } from "./types.ts";

/** A section that was looked at, or why it was not. */
export type Seen = { readonly name: string; readonly entries: Entries } | Skipped;

/** The part of a fingerprint that a list of sections makes. */
export function sectionsOf(seen: readonly Seen[]): Pick<Fingerprint, "sections" | "skipped"> {
  return {
    sections: Object.fromEntries(seen.flatMap((one) => ("name" in one ? [[one.name, one.entries]] : []))),
    skipped: seen.flatMap((one) => ("name" in one ? [] : [one])),
  };
}
