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
  /** For the fixer, from vague to plain; the host hands them out. */
  readonly hints: readonly string[];
  /** How it was found and mended when it was played, for the host; empty for what was never played. */
  readonly story: string;
  readonly rules: Rules;
  /** What "it works again" means; all of it has to hold. */
  readonly goal: readonly GoalProbe[];
  readonly steps: readonly Step[];
}

export interface Rules {
  /** No step may have one of these dangers. */
  readonly forbid: readonly Danger[];
}

/** A question whose answer says whether it works. */
export type GoalProbe = HttpGoal | RunGoal | KubectlGoal;

interface GoalBase {
  readonly name: string;
  /**
   * A selection of the inventory's nodes: it is asked on each of them, as root. Without it, HTTP is asked from where
   * kbreak runs, and kubectl on the first control plane node.
   */
  readonly on: string | undefined;
  /** The answer must hold this. */
  readonly contains: string | undefined;
  /** Seconds until there must be an answer. Default: 5, and 30 for a command. */
  readonly deadline: number;
}

/** Healthy when the URL answers with `status`. Redirections are not followed. */
export interface HttpGoal extends GoalBase {
  /** `{w1}` in it stands for the address of the inventory's node w1. */
  readonly http: string;
  /** Default: 200. */
  readonly status: number;
}

/** Healthy when the command ends with 0. */
export interface RunGoal extends GoalBase {
  readonly on: string;
  /** A POSIX sh command that reads only. */
  readonly run: string;
}

/** Healthy when kubectl finds what is asked for, with the node's admin kubeconfig. */
export interface KubectlGoal extends GoalBase {
  readonly kubectl: KubectlQuestion;
}

/** What kubectl is asked: `get`, which must find something, or `wait`. */
export type KubectlQuestion = KubectlGet | KubectlWait;

interface KubectlScope {
  /** Default: `default`. */
  readonly namespace?: string;
  /** Labels, such as `app=web`. */
  readonly selector?: string;
}

export interface KubectlGet extends KubectlScope {
  /** Such as `deployment/web`. */
  readonly get: string;
  /** The part of it that must be there, such as `{.status.readyReplicas}`. Default: its name. */
  readonly jsonpath?: string;
}

export interface KubectlWait extends KubectlScope {
  /** Such as `deployment/web`. */
  readonly wait: string;
  /** As `kubectl wait --for` takes it, such as `condition=Available`. */
  readonly for: string;
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
