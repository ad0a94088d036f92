/** What one section saw: a readable key for each thing, and all that is compared of it as readable text. */
export type Entries = Readonly<Record<string, string>>;

/** A section that was not looked at, so that two looks stay comparable. */
export interface Skipped {
  readonly section: string;
  readonly reason: string;
}

/** By what a later look at the same machine tells which paths nobody has written to since. */
export interface Basis {
  /** Which boot of which machine. */
  readonly machine: string;
  /**
   * Times of change and modification, device, inode and size by path (its bytes as latin1). Empty where the last
   * change was so short a time ago that a later one may have the same.
   */
  readonly states: Readonly<Record<string, string>>;
  /** What else tells that a section is as it was, by its name. */
  readonly signs: Readonly<Record<string, Entries>>;
}

/** What a whole node looks like. Plain data; holds names, hashes and command lines, never the contents of a file. */
export interface Fingerprint {
  readonly version: 1;
  readonly node: string;
  /** By this machine's clock, ISO 8601 in UTC. */
  readonly takenAt: string;
  readonly sections: Readonly<Record<string, Entries>>;
  readonly skipped: readonly Skipped[];
  /** For the next look; not kept in snapshots. */
  readonly basis?: Basis;
}

/** One thing that two looks do not agree on. */
export interface Difference {
  readonly section: string;
  readonly key: string;
  readonly kind: "added" | "removed" | "changed";
  /** Absent when the thing was added. */
  readonly before?: string;
  /** Absent when the thing was removed. */
  readonly after?: string;
}
