import type { Parameters } from "../catalogue/break.ts";
import type { AnyOperation } from "../operations/index.ts";
import type { Danger } from "../operations/operation.ts";

/** A playbook, read and checked, with every default filled in. */
export interface Playbook {
  readonly name: string;
  readonly description: string;
  readonly difficulty: "easy" | "medium" | "hard" | undefined;
  /** How long it plays, such as `45m` or `2h`. */
  readonly length: string | undefined;
  readonly rules: Rules;
  /** What "it works again" means; all of it has to hold. */
  readonly goal: readonly GoalProbe[];
  readonly steps: readonly Step[];
}

export interface Rules {
  /** No step may have one of these dangers. */
  readonly forbid: readonly Danger[];
}

/** Healthy when `run` ends with 0 on every selected node, and prints `contains` where that is given. */
export interface GoalProbe {
  readonly name: string;
  /** A selection of the inventory's nodes. */
  readonly on: string;
  /** A POSIX sh command that reads only; it runs as root. */
  readonly run: string;
  readonly contains: string | undefined;
}

interface StepBase {
  /** Shown to people. Default: the break's id, or "operations". */
  readonly name: string;
  /** A selection of the inventory's nodes. Default: `all`. */
  readonly targets: string;
  /** True: left out with its reason where it cannot run, instead of refusing the playbook. */
  readonly optional: boolean;
}

/** A break of the catalogue with all its parameters, valid by its schema. */
export interface BreakStep extends StepBase {
  readonly break: string;
  readonly params: Parameters;
}

/** Operations that the playbook lists itself, each valid by its kind's schema. */
export interface OperationsStep extends StepBase {
  readonly operations: readonly AnyOperation[];
}

export type Step = BreakStep | OperationsStep;

/** Whether a step is a break of the catalogue. */
export function isBreakStep(step: Step): step is BreakStep {
  return "break" in step;
}
