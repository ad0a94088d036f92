import { join } from "node:path";
import {
  InterruptedError,
  KbreakError,
  messageOf,
  PreconditionError,
  RemoteError,
  RolledBackError,
  UndoError,
} from "../errors.ts";
import type { Facts } from "../facts.ts";
import { machineOf } from "../inventory/enrolment.ts";
import { applyStep, type FailedPart, StepFailure } from "./apply-step.ts";
import { type Context, inRun, sideBySide, startTask } from "./context.ts";
import { checkGoals } from "./goal.ts";
import { lockRun, lockTarget, thisOwner } from "./locks.ts";
import { mirrored } from "./mirror.ts";
import { type Plan, type TargetPlan, unreachableError } from "./plan.ts";
import type { StepPlan } from "./plan-step.ts";
import { newRunId, readOpenRuns, runsFolder } from "./runs.ts";
import { UnknownOutcomeError } from "./script.ts";
import { newMark } from "./switch.ts";
import { ttlOf } from "./ttl.ts";
import { type TargetUndone, undoTarget } from "./undo.ts";
import { openLog, type UndoLog } from "./undo-log.ts";
import { closeWitnesses, openWitnesses } from "./witnesses.ts";

export interface TargetResult {
  readonly target: string;
  /** Why it failed; its own part was undone then. */
  readonly error?: KbreakError;
  /** What became of undoing its own part. */
  readonly undone?: TargetUndone;
}

export interface ApplyResult {
  readonly run: string;
  readonly targets: readonly TargetResult[];
  /** True after Ctrl-C. */
  readonly interrupted: boolean;
}

export interface ApplyOptions {
  /** False: the effect and the symptom are not waited for. */
  readonly verify: boolean;
  /** True: what was applied stays after a failure or Ctrl-C. */
  readonly keep: boolean;
  /** A second data folder, which has each record before the change that it belongs to. */
  readonly mirror?: string;
  /** Seconds after which a node that was cut off puts the step that did it back by itself. Default 30. */
  readonly confirm?: number;
  /** Seconds after which each node undoes the run by itself. Default: never. */
  readonly ttl?: number;
}

/** Seconds: sshd's own default for a login is 120, but a way that needs more than this is of no use to a fixer. */
export const CONFIRM = 30;

/**
 * Applies a plan. Every change is in the undo log, on the disk, before it is made; a target that fails has its own part
 * undone, and the others go on.
 * @throws LockError, UndoLogError before anything is changed; PreconditionError when the goal is not met.
 */
export async function apply(plan: Plan, options: ApplyOptions, context: Context): Promise<ApplyResult> {
  refuseNothing(plan);
  const run = newRunId();
  const releases = [lockRun(context.dataFolder, run)];
  try {
    for (const { node, session } of plan.targets) {
      releases.push(lockTarget(context.dataFolder, node.name, machineOf(session.identity), run));
    }
    await refuseUnhealthy(plan, context);
    const log = newLog(run, options, context);
    try {
      return await applyRun(run, plan, options, context, log);
    } finally {
      log.close();
    }
  } finally {
    for (const release of releases) release();
  }
}

/** @throws UndoLogError when it, or its second copy, cannot be made. */
function newLog(run: string, { mirror }: ApplyOptions, { dataFolder, emit }: Context): UndoLog {
  const log = openLog(join(runsFolder(dataFolder), run), { create: true });
  if (mirror === undefined) return log;
  try {
    return mirrored(log, mirror, (message) => emit({ type: "notice", message }));
  } catch (error) {
    log.close();
    throw error;
  }
}

/** @throws ConnectError, PreconditionError when there is nothing to apply anywhere. */
function refuseNothing(plan: Plan): void {
  if (plan.targets.some(({ steps }) => steps.length > 0)) return;
  const lost = unreachableError(plan.unreachable);
  if (lost !== undefined) throw lost;
  const reasons = plan.targets.flatMap(({ node, skipped }) =>
    skipped.map(({ title, reason }) => `${node.name}: ${title}: ${reason}`),
  );
  throw new PreconditionError(["no step can run on any node", ...reasons].join("\n"), {
    target: plan.targets.map(({ node }) => node.name).join(", "),
    hint: "nothing was touched; kbreak doctor tells what the nodes need",
  });
}

async function refuseUnhealthy(plan: Plan, context: Context): Promise<void> {
  const witnesses = await openWitnesses(plan.witnesses, ({ access }) => access, context);
  const targets = plan.targets.map(({ node, session }) => [node.name, session] as const);
  const states = await checkGoals(plan.goals, new Map([...targets, ...witnesses])).finally(() =>
    closeWitnesses(witnesses),
  );
  const unmet = states.filter((goal) => !goal.met);
  if (unmet.length === 0) return;
  throw new PreconditionError(
    unmet
      .map(
        ({ name, target, detail }) =>
          `${target === undefined ? "" : `${target}: `}the goal "${name}" is not met before anything is broken: ${detail}`,
      )
      .join("\n"),
    { hint: "repair the lab first: nobody could tell afterwards whether the fixer has won" },
  );
}

async function applyRun(
  run: string,
  plan: Plan,
  options: ApplyOptions,
  outer: Context,
  log: UndoLog,
): Promise<ApplyResult> {
  const { user, host, pid } = thisOwner(run);
  const records = plan.targets.map(({ node, session, facts, steps }) => ({
    name: node.name,
    access: node,
    // A lab's own nodes are enrolled before they have a cluster.
    identity: { ...clusterOf(facts), ...session.identity },
    steps: steps.length,
  }));
  const context = inRun(outer, run, records);
  log.append({
    type: "run",
    run,
    name: plan.playbook.name,
    inventory: plan.inventory.file,
    lab: plan.inventory.name,
    owner: { user, host, pid },
    targets: records,
    goals: plan.goals,
    ...(plan.playbook.hints.length > 0 ? { hints: plan.playbook.hints } : {}),
    after: readOpenRuns(context.dataFolder).runs.map(({ id }) => id),
    witnesses: plan.witnesses,
  });
  context.emit({ type: "run", run, verb: "apply" });
  const targets = await sideBySide(plan.targets, context.forks, (target) =>
    applyTarget(target, options, context, log),
  );
  const interrupted = context.signal.aborted;
  const results = interrupted && !options.keep ? await undoAll(plan, targets, context, log) : targets;
  log.append({ type: "end", outcome: outcomeOf(results, interrupted) });
  return { run, targets: results, interrupted };
}

const clusterOf = ({ authorities, clusterUid }: Facts) => ({
  authorities,
  ...(clusterUid === undefined ? {} : { clusterUid }),
});

function outcomeOf(results: readonly TargetResult[], interrupted: boolean) {
  const left = results.some(({ undone }) => undone !== undefined && !undone.complete);
  if (left) return "undo incomplete";
  const standing = results.some(({ undone }) => undone === undefined);
  if (!standing)
    return results.some(({ error }) => error instanceof RolledBackError) ? "rolled back" : "undone";
  if (interrupted) return "interrupted";
  return results.some(({ error }) => error !== undefined) ? "failed" : "applied";
}

async function applyTarget(
  target: TargetPlan,
  options: ApplyOptions,
  context: Context,
  log: UndoLog,
): Promise<TargetResult> {
  const name = target.node.name;
  for (const step of target.skipped)
    startTask(context, name, `step-${step.index}`, step.title).end("skipped", step.reason);
  for (const step of target.steps) {
    if (context.signal.aborted) break;
    const task = startTask(context, name, `step-${step.index}`, step.title);
    try {
      if (options.ttl !== undefined && ttlOf(log.records, name) === undefined)
        log.append({ type: "ttl", target: name, token: newMark(), seconds: options.ttl });
      await applyStep(target, step, { confirm: CONFIRM, ...options }, context, log, task.at);
      task.end("done");
    } catch (caught) {
      const error = kbreakErrorOf(caught, name);
      task.end("failed", error.message);
      context.logger.warn({ node: name, step: step.index, code: error.code }, "step failed");
      const answered = !(caught instanceof UnknownOutcomeError);
      const part =
        caught instanceof StepFailure ? caught.part : { untouched: [], answered, found: {}, left: {} };
      return failTarget(target, step, error, part, options, context, log);
    }
  }
  return { target: name };
}

function kbreakErrorOf(caught: unknown, target: string): KbreakError {
  if (caught instanceof StepFailure) return caught.error;
  return caught instanceof KbreakError
    ? caught
    : new RemoteError(messageOf(caught), { target, cause: caught });
}

async function failTarget(
  target: TargetPlan,
  step: StepPlan,
  error: KbreakError,
  part: FailedPart,
  options: ApplyOptions,
  context: Context,
  log: UndoLog,
): Promise<TargetResult> {
  const name = target.node.name;
  try {
    const { code, message } = error;
    log.append({ type: "failed", target: name, step: step.index, code, message, ...part });
  } catch {
    // The log cannot be written, which may be why the step failed; what it holds is enough to undo.
  }
  if (options.keep) return { target: name, error };
  const undone = await undoTarget({ log, target: name, session: target.session, exact: false }, context);
  return { target: name, error, undone };
}

async function undoAll(
  plan: Plan,
  results: readonly TargetResult[],
  context: Context,
  log: UndoLog,
): Promise<readonly TargetResult[]> {
  const sessions = new Map(plan.targets.map(({ node, session }) => [node.name, session]));
  return sideBySide(results, context.forks, async (result) => {
    const session = sessions.get(result.target);
    if (result.undone !== undefined || session === undefined) return result;
    return {
      ...result,
      undone: await undoTarget({ log, target: result.target, session, exact: false }, context),
    };
  });
}

/** The worst that can be: something failed, and what was applied before it could not be taken back. */
function unfinished(run: string, targets: readonly TargetResult[]): UndoError {
  const reasons = targets.flatMap(({ target, error, undone }) => [
    ...(error === undefined ? [] : [error.message]),
    ...(undone?.error === undefined ? [] : [`${target}: ${undone.error.message}`]),
    ...(undone?.operations ?? [])
      .filter(({ outcome }) => outcome === "left")
      .map(({ title, detail }) => `${target}: ${title}: ${detail}`),
  ]);
  return new UndoError(["what was applied could not be undone", ...reasons].join("\n"), {
    hint: `mend what stands in the way, and type: kbreak undo ${run}`,
  });
}

/** The error that the command ends with, or `undefined` when all went well. */
export function errorOf(plan: Plan, result: ApplyResult): KbreakError | undefined {
  const left = result.targets.filter(({ undone }) => undone?.complete === false);
  if (left.length > 0) return unfinished(result.run, left);
  if (result.interrupted)
    return new InterruptedError("interrupted", {
      hint: result.targets.some(({ undone }) => undone === undefined)
        ? `what was applied is still there: kbreak undo ${result.run}`
        : "everything was undone",
    });
  const failed = result.targets.flatMap(({ error }) => (error === undefined ? [] : [error]));
  return failed[0] ?? unreachableError(plan.unreachable);
}
