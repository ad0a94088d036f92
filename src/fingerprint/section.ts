import type { Shell } from "../shell.ts";
import type { Entries } from "./types.ts";

/** One kind of thing that a fingerprint watches: how a node tells it, and how that is read. */
export interface Section {
  readonly name: string;
  /** Programs that it needs; without one of them the section is skipped, by name. */
  readonly programs: readonly string[];
  /**
   * Writes to standard output only. A status other than 0 skips the section; before that `because 'text'` may say why.
   * Runs in a subshell, beside the other sections.
   */
  readonly script: Shell;
  /** Pure: what the script wrote, as bytes. Throws when it is not what the script writes. */
  readonly read: (output: Buffer) => Entries;
}
