import type { JSONSchema } from "json-schema-to-ts";
import type { Shell } from "../shell.ts";

/** The plain data of one reversible change, as a break or a playbook lists it. */
export interface Operation {
  readonly kind: string;
}

/**
 * What an operation reads of the aspects that it owns.
 *
 * `values` decide every verdict: two states with equal values are the same. `notes` are what has to be restored or
 * shown but decides nothing: timestamps, what moves by itself, contents on their way to the undo log.
 * Keys are words; values are single lines, with arbitrary bytes as base64.
 */
export interface State {
  readonly values: Readonly<Record<string, string>>;
  readonly notes: Readonly<Record<string, string>>;
}

/**
 * What an operation may ask for while it makes its scripts.
 * All of it is in the undo log before anything runs, so that undo makes the same scripts again.
 */
export interface Held {
  /**
   * A random word of this operation of this run: names its temporary file and marks its process, so that a later undo
   * recognises what a killed one left behind.
   */
  readonly token: string;
  /** The bytes of a pre-image by their SHA-256 (hex). @throws UndoLogError when they are missing or damaged. */
  content(sha256: string): Buffer;
}

/** What a change looks like to a person: one line, and for a text the two sides of a diff. */
export interface Preview {
  readonly line: string;
  readonly before?: string;
  readonly after?: string;
}

/**
 * `lockout`: can cut the way on which kbreak reaches the node. `brick`: the node may not boot again.
 * `data-loss`: what the workload writes meanwhile may be lost. `unicode`: uses characters that look like others.
 */
export type Danger = "lockout" | "brick" | "data-loss" | "unicode";
export const dangers: readonly Danger[] = ["lockout", "brick", "data-loss", "unicode"];

/** What the thing that has the danger may do, for the end of a sentence. */
export const dangerInWords: Readonly<Record<Danger, string>> = {
  lockout: "can cut the way on which kbreak reaches the node",
  brick: "can keep the node from booting again",
  "data-loss": "can lose what the workload writes meanwhile",
  unicode: "uses characters that look like others",
};

/**
 * One kind of reversible change.
 *
 * The scripts run as root in POSIX sh under `set -eu`, each in a subshell, behind the kind's `library`; the first
 * command that fails ends a script, and what was printed to standard error is its reason. `read` prints its values with
 * `put KEY VALUE` and its notes with `note KEY VALUE` (see engine/script.ts).
 */
export interface OperationKind<Spec extends Operation = Operation> {
  readonly kind: Spec["kind"];
  /** What it does, for documentation. */
  readonly summary: string;
  /** JSON Schema of its data. */
  readonly schema: JSONSchema;
  /** Shell functions that its scripts share; sent once per script. */
  readonly library: Shell;
  /** Runs once at the end of every script that reads, makes or restores such changes: what reading has left goes then. */
  readonly tidy?: Shell;
  /** The change in a few words. */
  title(spec: Spec): string;
  /** The things whose aspects it owns, such as `file:/etc/hosts`. No two operations that overlap own the same one. */
  owns(spec: Spec): readonly string[];
  /** Programs that its scripts call, beyond those of every POSIX system. */
  commands(spec: Spec): readonly string[];
  dangers(spec: Spec): readonly Danger[];
  /**
   * `kernel`: what it changes is one for the whole kernel, such as the clock, so that a node which shares its kernel
   * would not be the only one to be broken. `node`: only the node is touched.
   */
  reach(spec: Spec): "node" | "kernel";
  /**
   * `api`: it is made through the API server, which another break may have brought down: undo comes to it when the node's
   * own is back, and waits for the API. `node`: nothing but the node is needed.
   */
  readonly through: "node" | "api";
  /** True when the change is still there after the node was started again. */
  lasting(spec: Spec): boolean;
  /**
   * True when undo has to end it before anything else: it leaves something running that breaks again, or takes the space
   * that another restoration needs.
   */
  actor(spec: Spec): boolean;
  /** Folders whose modification time the change moves; undo sets it back where nobody else wrote. */
  folders(spec: Spec): readonly string[];
  read(spec: Spec): Shell;
  /** Why the change cannot be made, and undone, from this state; `undefined` when it can. */
  refusal(spec: Spec, before: State, held: Held): string | undefined;
  apply(spec: Spec, before: State, held: Held): Shell;
  /** Idempotent, and right from every half-done state. */
  restore(spec: Spec, before: State, held: Held): Shell;
  inEffect(spec: Spec, before: State, now: State, held: Held): boolean;
  restored(spec: Spec, before: State, now: State): boolean;
  /**
   * True when something that only we put there is still there, whatever else changed: it has to go in any case, also
   * where `restored` is true as it is none of what was changed, such as a kernel module.
   */
  remains(spec: Spec, before: State, now: State): boolean;
  /**
   * True when the thing that was changed is no longer there, or another one has its name, such as a network device that
   * was removed or made anew: nobody has fixed that, whatever the symptom says.
   */
  gone(spec: Spec, before: State, now: State): boolean;
  /**
   * Whether a state that is neither before nor after may be what our own change left when it was cut off. Where it
   * cannot be, because the change is atomic, it is a person's work.
   */
  halfway(spec: Spec, before: State, now: State): boolean;
  preview(spec: Spec, before: State, held: Held): Preview;
  /**
   * `restored`, and not `remains`, for a node that has to find it out by itself: a command that is true then. It runs
   * under `set -eu` behind `read`, whose values and notes `told KEY` and `noted KEY` print. Absent: every value is as it
   * was.
   */
  isBack?(spec: Spec, before: State): Shell;
  /** What a state is as a text, where {@link preview} has texts and the state was read with its content. */
  text(state: State): string | undefined;
}

/** Answers that most kinds share. */
export const common = {
  // Text that a person wrote, into a playbook or a parameter: a letter outside ASCII is there on purpose.
  dangers: (spec: Operation): readonly Danger[] =>
    /[^\p{ASCII}]/u.test(JSON.stringify(spec)) ? ["unicode"] : [],
  reach: () => "node",
  through: "node",
  lasting: () => true,
  actor: () => false,
  folders: (): readonly string[] => [],
  restored: (_spec: Operation, before: State, now: State) => sameValues(before, now),
  remains: () => false,
  gone: () => false,
  halfway: () => true,
  text: () => undefined,
} satisfies Partial<OperationKind>;

/** Whether two states are the same in all that decides a verdict. */
export function sameValues(one: State, other: State): boolean {
  return valuesText(one) === valuesText(other);
}

/** The values as the node's `read` printed them, for its compare-and-swap. */
export function valuesText(state: State): string {
  return Object.entries(state.values)
    .map(([key, value]) => `${key} ${value}`)
    .join("\n");
}

/** A note or value that must be there; its absence is a defect of the operation's `read`. */
export function field(record: Readonly<Record<string, string>>, key: string): string {
  const value = record[key];
  if (value === undefined) throw new TypeError(`the state has no \`${key}\``);
  return value;
}
