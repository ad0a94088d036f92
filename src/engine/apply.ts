import { join } from "node:path";
import {
  DriftError,
  InterruptedError,
  KbreakError,
  messageOf,
  PreconditionError,
  RemoteError,
  VerificationError,
} from "../errors.ts";
import { kindOf } from "../operations/index.ts";
import type { State } from "../operations/operation.ts";
import { type Context, sideBySide, startTask } from "./context.ts";
import { checkGoals } from "./goal.ts";
import { lockRun, lockTarget, thisOwner } from "./locks.ts";
import { heldBy, type Plan, type StepPlan, type TargetPlan } from "./plan.ts";
import type { Intent } from "./records.ts";
import { newRunId, runsFolder } from "./runs.ts";
import { type Frame, UnknownOutcomeError } from "./script.ts";
import type { Session } from "./session.ts";
import {
  applyScript,
  type Change,
  changeOf,
  foldersOf,
  indexed,
  type Look,
  lookOf,
  lookScript,
  symptomFrom,
  symptomScript,
} from "./step-script.ts";
import { type TargetUndone, undoTarget } from "./undo.ts";
import { openLog, type UndoLog } from "./undo-log.ts";

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
}

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
    for (const { node, facts } of plan.targets) {
      releases.push(lockTarget(context.dataFolder, node.name, facts.machineId, run));
    }
    await refuseUnhealthy(plan);
    const log = openLog(join(runsFolder(context.dataFolder), run), { create: true });
    try {
      return await applyRun(run, plan, options, context, log);
    } finally {
      log.close();
    }
  } finally {
    for (const release of releases) release();
  }
}

/** @throws ConnectError, PreconditionError when there is nothing to apply anywhere. */
function refuseNothing(plan: Plan): void {
  if (plan.targets.some(({ steps }) => steps.length > 0)) return;
  const [lost] = plan.unreachable;
  if (lost !== undefined) throw lost.error;
  const reasons = plan.targets.flatMap(({ node, skipped }) =>
    skipped.map(({ title, reason }) => `${node.name}: ${title}: ${reason}`),
  );
  throw new PreconditionError(["no step can run on any node", ...reasons].join("\n"));
}

async function refuseUnhealthy(plan: Plan): Promise<void> {
  const sessions = new Map(plan.targets.map(({ node, session }) => [node.name, session]));
  const unmet = (await checkGoals(plan.goals, sessions)).filter((goal) => !goal.met);
  if (unmet.length === 0) return;
  throw new PreconditionError(
    unmet
      .map(
        (goal) =>
          `${goal.target}: the goal "${goal.name}" is not met before anything is broken: ${goal.detail}`,
      )
      .join("\n"),
    { hint: "repair the lab first: nobody could tell afterwards whether the fixer has won" },
  );
}

async function applyRun(
  run: string,
  plan: Plan,
  options: ApplyOptions,
  context: Context,
  log: UndoLog,
): Promise<ApplyResult> {
  const { user, host, pid } = thisOwner(run);
  log.append({
    type: "run",
    run,
    name: plan.playbook.name,
    inventory: plan.inventory.file,
    lab: plan.inventory.name,
    owner: { user, host, pid },
    targets: plan.targets.map(({ node, session, steps }) => ({
      name: node.name,
      access: node,
      identity: session.identity,
      steps: steps.length,
    })),
    goals: plan.goals,
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

function outcomeOf(results: readonly TargetResult[], interrupted: boolean) {
  const left = results.some(({ undone }) => undone !== undefined && !undone.complete);
  if (left) return "undo incomplete";
  const standing = results.some(({ undone }) => undone === undefined);
  if (!standing) return "undone";
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
      await applyStep(target, step, options, context, log, task.at);
      task.end("done");
    } catch (caught) {
      const error = kbreakErrorOf(caught, name);
      task.end("failed", error.message);
      context.logger.warn({ node: name, step: step.index, code: error.code }, "step failed");
      const untouched = caught instanceof StepFailure ? caught.untouched : [];
      return failTarget(target, step, error, untouched, options, context, log);
    }
  }
  return { target: name };
}

/** A step that failed in a way that tells which of its operations were never begun. */
class StepFailure extends Error {
  readonly error: KbreakError;
  readonly untouched: readonly number[];

  constructor(error: KbreakError, untouched: readonly number[]) {
    super(error.message);
    this.error = error;
    this.untouched = untouched;
  }
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
  untouched: readonly number[],
  options: ApplyOptions,
  context: Context,
  log: UndoLog,
): Promise<TargetResult> {
  const name = target.node.name;
  try {
    const { code, message } = error;
    log.append({ type: "failed", target: name, step: step.index, code, message, untouched });
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

async function applyStep(
  target: TargetPlan,
  step: StepPlan,
  options: ApplyOptions,
  context: Context,
  log: UndoLog,
  at: (detail: string) => void,
): Promise<void> {
  const name = target.node.name;
  for (const bytes of step.contents.values()) log.store(bytes);
  const intent: Intent = {
    type: "intent",
    target: name,
    step: step.index,
    title: step.title,
    ...(step.break ? { break: step.break.id } : {}),
    operations: step.operations,
    folders: step.folders,
    ...(step.symptom
      ? {
          symptom: {
            title: step.symptom.title,
            script: step.symptom.script.shell,
            patience: patienceOf(step),
          },
        }
      : {}),
  };
  log.append(intent);
  context.logger.info({ node: name, step: step.index, break: step.break?.id }, "apply");
  const frames = await change(target.session, step);
  const states = judge(name, step, frames);
  log.append({
    type: "applied",
    target: name,
    step: step.index,
    states,
    found: foldersOf(frames, "folders-found"),
    left: foldersOf(frames, "folders-left"),
  });
  if (!options.verify) return;
  refuseWithoutEffect(name, step, states);
  if (step.symptom !== undefined) await awaitSymptom(target.session, step, context, log, at);
}

const patienceOf = (step: StepPlan) => step.break?.patience ?? 15;

/** Makes the change. When its outcome is unknown the node is read, over a new connection, before anything is decided. */
async function change(session: Session, step: StepPlan): Promise<readonly Frame[]> {
  const operations = indexed(step.operations, 0);
  const held = (token: string) => heldBy(token, (sha256) => step.contents.get(sha256));
  try {
    return await session.run(applyScript(operations, Object.keys(step.folders), held));
  } catch (error) {
    if (!(error instanceof UnknownOutcomeError)) throw error;
    const frames = await session.read(
      lookScript({ operations, folders: Object.keys(step.folders), probes: [], content: false }),
    );
    const states = operations.map(({ index }) => lookOf(frames, index).state);
    if (!states.every((state, index) => inEffect(step, index, state))) throw error;
    // All of it is in effect, so the script had run to its end and only its answer was lost.
    const times = frames.find((frame) => frame.name === "folders");
    return [
      ...frames,
      ...operations.map(({ index }) => ({ index, name: "apply", lines: [], code: 0 })),
      ...(times ? [{ ...times, name: "folders-left" }] : []),
    ];
  }
}

function inEffect(step: StepPlan, index: number, now: State | undefined): boolean {
  const operation = step.operations[index];
  if (operation === undefined || now === undefined) return false;
  const held = heldBy(operation.token, (sha256) => step.contents.get(sha256));
  return kindOf(operation.spec).inEffect(operation.spec, operation.before, now, held);
}

/** The states after. @throws StepFailure with the first thing that went wrong. */
function judge(target: string, step: StepPlan, frames: readonly Frame[]): readonly State[] {
  const operations = indexed(step.operations, 0);
  const changes = operations.map(({ index }) => changeOf(frames, "apply", index));
  const untouched = operations
    .map(({ index }) => index)
    .filter((index) => changes[index]?.kind === "changed" || changes[index]?.kind === "not reached");
  return operations.map(({ index, spec }) => {
    const error = failureOf(target, kindOf(spec).title(spec), changes[index], lookOf(frames, index));
    const { state } = lookOf(frames, index);
    if (error !== undefined || state === undefined)
      throw new StepFailure(error ?? new RemoteError(`${target}: no state`, { target }), untouched);
    return state;
  });
}

function failureOf(
  target: string,
  title: string,
  change: Change | undefined,
  look: Look,
): KbreakError | undefined {
  if (change?.kind === "changed")
    return new DriftError(`${target}: ${title}: it is no longer what was read; nothing was overwritten`, {
      target,
      hint: "somebody else is changing it; look, and apply again",
    });
  if (change?.kind === "failed") return new RemoteError(`${target}: ${title}: ${change.message}`, { target });
  if (look.state === undefined) return new RemoteError(`${target}: ${title}: ${look.complaint}`, { target });
  return undefined;
}

function refuseWithoutEffect(target: string, step: StepPlan, states: readonly State[]): void {
  const idle = step.operations.filter((_, index) => !inEffect(step, index, states[index]));
  if (idle.length === 0) return;
  const titles = idle.map(({ spec }) => kindOf(spec).title(spec)).join(", ");
  throw new VerificationError(`${target}: ${step.title}: not in effect after it was applied: ${titles}`, {
    target,
  });
}

async function awaitSymptom(
  session: Session,
  step: StepPlan,
  context: Context,
  log: UndoLog,
  at: (detail: string) => void,
): Promise<void> {
  const { symptom } = step;
  if (symptom === undefined) return;
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const patience = patienceOf(step);
  for (let pause = 0.1; ; pause = Math.min(pause * 2, 2)) {
    const frames = await session.read(symptomScript([{ index: 0, script: symptom.script }]));
    const seen = symptomFrom(frames, 0);
    if (seen === "seen" || seconds() > patience || context.signal.aborted) {
      log.append({
        type: "symptom",
        target: session.name,
        step: step.index,
        symptom: seen,
        after: seconds(),
      });
      if (seen === "seen" || context.signal.aborted) return;
      throw new VerificationError(
        `${session.name}: ${step.title}: its symptom was not seen within ${patience} s: ${symptom.title}`,
        { target: session.name },
      );
    }
    at(`waiting for the symptom: ${symptom.title}`);
    await new Promise((resolve) => setTimeout(resolve, pause * 1000));
  }
}

/** The error that the command ends with, or `undefined` when all went well. */
export function errorOf(plan: Plan, result: ApplyResult): KbreakError | undefined {
  if (result.interrupted) return new InterruptedError("interrupted");
  const failed = result.targets.flatMap(({ error }) => (error === undefined ? [] : [error]));
  return failed[0] ?? plan.unreachable[0]?.error;
}
