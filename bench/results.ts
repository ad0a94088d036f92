import type { Machine } from "./machine.ts";
import type { Section } from "./options.ts";
import type { Measured } from "./statistics.ts";

/** The ways to do the same work, and the least that any of them needs. */
export const contenders = ["kbreak", "kbreak without proof", "Ansible", "OpenSSH loop", "floor"] as const;
export type Contender = (typeof contenders)[number];

/** Seconds of each contender for the work and for taking it back, side by side. */
export type SideBySide = Readonly<Partial<Record<Contender, Measured>>>;

/** What the contenders have taken. */
export interface Compared {
  readonly seconds: SideBySide;
  /** Seconds of a processor that each node has used; the floor is not counted. */
  readonly processor: SideBySide;
}

/** The same work on some nodes. */
export interface WorkSize extends Compared {
  readonly nodes: number;
}

/** The same work on nodes that are far away. */
export interface Distance extends Compared {
  /** Milliseconds. */
  readonly roundTrip: number;
  readonly nodes: number;
}

/** What went over the connections of one node. */
export interface Trips {
  readonly operations: number;
  /** Scripts that read the step, and that apply it. */
  readonly step: number;
  /** All scripts of the application, with the facts, the proof and the switch. */
  readonly apply: number;
  readonly undo: number;
}

/** One file edited on many endpoints, with so many of them at a time. */
export interface WideSize {
  readonly endpoints: number;
  readonly forks: number;
  /** Of application and undo. */
  readonly seconds: Measured;
  /** Mebibytes: the larger of what `apply` and `undo` had at most. */
  readonly memory: Measured;
}

export interface LogResults {
  /** Of the record that is appended: what is known of a step before it is made. */
  readonly recordBytes: number;
  /** Records a second, on the disk and where fsync costs nothing. */
  readonly disk: Measured;
  readonly memory: Measured;
  /** The run of the same work, by its number of nodes. */
  readonly runs: readonly {
    readonly nodes: number;
    readonly records: number;
    readonly kibibytes: number;
  }[];
  /** Seconds of `kbreak status` of one open run, where that is all there is, and beside 99 that are closed. */
  readonly statusOfOne: Measured;
  readonly statusOfHundred: Measured;
  readonly listOfHundred: Measured;
}

/** Seconds, over nodes and rounds. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
}

export interface BreakRecovery {
  readonly id: string;
  /** From `kbreak undo` to the end of a node's undo. */
  readonly undo: Percentiles;
  /** From SIGKILL during `kbreak apply` to the end of a node's undo. */
  readonly killed: Percentiles;
}

export interface RecoveryResults {
  readonly nodes: number;
  readonly breaks: readonly BreakRecovery[];
  /** Breaks that these nodes cannot have, and why. */
  readonly skipped: readonly { readonly id: string; readonly reason: string }[];
}

/** A run of the command, and the sections that are its. */
export interface KeptRun {
  readonly sections: readonly Section[];
  readonly command: string;
  readonly date: string;
  readonly seconds: number;
}

/** What a run of the command has measured; sections that were left out are absent, or kept from an earlier run. */
export interface Results {
  readonly version: 1;
  readonly command: string;
  readonly date: string;
  /** Of the whole command. */
  readonly seconds: number;
  readonly rounds: number;
  readonly machine: Machine;
  /** Sections that could not be measured, and why. */
  readonly missing?: readonly string[];
  /** The earlier runs whose sections are among these. */
  readonly kept?: readonly KeptRun[];
  readonly work?: { readonly sizes: readonly WorkSize[]; readonly stopped?: string };
  readonly distance?: { readonly distances: readonly Distance[]; readonly trips: readonly Trips[] };
  readonly wide?: {
    readonly sizes: readonly WideSize[];
    readonly forks: readonly WideSize[];
    /** What the machine did not carry, and why. */
    readonly stopped?: readonly string[];
  };
  readonly log?: LogResults;
  readonly start?: Readonly<Record<string, Measured>>;
  readonly recovery?: RecoveryResults;
}
