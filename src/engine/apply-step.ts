import { DriftError, type KbreakError, LockError, RemoteError, VerificationError } from "../errors.ts";
import { kindOf } from "../operations/index.ts";
import type { State } from "../operations/operation.ts";
import type { Shell } from "../shell.ts";
import { confirm, rolledBack } from "./confirm.ts";
import type { Context } from "./context.ts";
import type { TargetPlan } from "./plan.ts";
import { heldBy, type StepPlan } from "./plan-step.ts";
import type { Failed, Intent, NodeClock } from "./records.ts";
import { complaint, type Frame, LateError, UnknownOutcomeError } from "./script.ts";
import type { RunWish, Session } from "./session.ts";
import { standaloneOf, standaloneScript } from "./standalone.ts";
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
import { armed, type Switch, switchFor, unarmed } from "./switch.ts";
import { ttlOf, withTtl } from "./ttl.ts";
import type { UndoLog } from "./undo-log.ts";

/** What the node has said of a step that failed. */
export type FailedPart = Pick<Failed, "untouched" | "answered" | "found" | "left">;

/** A step that failed in a way that tells which of its operations were never begun. */
export class StepFailure extends Error {
  readonly error: KbreakError;
  readonly part: FailedPart;

  constructor(error: KbreakError, part: FailedPart) {
    super(error.message);
    this.error = error;
    this.part = part;
  }
}

/** How a step is applied. */
export interface StepOptions {
  /** False: the effect and the symptom are not waited for. */
  readonly verify: boolean;
  /** Seconds after which a node that cannot be reached any more puts a step back by itself. */
  readonly confirm: number;
}

/**
 * Applies one step: its undo record first, then the change, then the proof. One that can cut the way to the node is
 * made with a switch that puts it back, and confirmed over a new connection.
 * @throws StepFailure, VerificationError, RolledBackError, UndoLogError and whatever {@link Session.run} throws.
 */
export async function applyStep(
  target: TargetPlan,
  step: StepPlan,
  options: StepOptions,
  context: Context,
  log: UndoLog,
  at: (detail: string) => void,
): Promise<void> {
  const name = target.node.name;
  for (const bytes of step.contents.values()) log.store(bytes);
  const guard = switchFor(
    step.operations.map(({ spec }) => spec),
    options.confirm,
  );
  const intent: Intent = {
    type: "intent",
    target: name,
    step: step.index,
    title: step.title,
    ...(step.break ? { break: step.break.id } : {}),
    operations: step.operations,
    folders: step.folders,
    expires: expiry(target.session),
    ...(guard ? { guard } : {}),
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
  const confirmed = guard ? confirmation(target.session, intent, guard, log, at) : async () => {};
  const frames = await change(target.session, step, intent, log, confirmed);
  const states = await thenConfirmed(confirmed, () => {
    const after = judge(name, step, frames);
    log.append({
      type: "applied",
      target: name,
      step: step.index,
      states: after,
      ...foldersAround(frames),
    });
    return after;
  });
  if (!options.verify) return;
  refuseWithoutEffect(name, step, states);
  if (step.symptom !== undefined) await awaitSymptom(target.session, step, context, log, at);
}

/**
 * Comes back to the node and cancels the step's switch, once.
 * @returns What does it. @throws RolledBackError when the switch has fired, and what {@link confirm} throws.
 */
function confirmation(
  session: Session,
  { step, title }: Intent,
  guard: Switch,
  log: UndoLog,
  at: (detail: string) => void,
): () => Promise<void> {
  let asked = false;
  return async () => {
    if (asked) return;
    asked = true;
    const answer = await confirm(session, guard, at);
    log.append({ type: "switch", target: session.name, step, answer });
    if (answer === "fired") throw rolledBack(session.name, title, guard);
  };
}

/** Does `work`, and confirms whatever comes of it: no switch is left behind by an error. */
async function thenConfirmed<T>(confirmed: () => Promise<void>, work: () => T): Promise<T> {
  let result: T;
  try {
    result = work();
  } catch (error) {
    await confirmed();
    throw error;
  }
  await confirmed();
  return result;
}

const patienceOf = (step: StepPlan) => step.break?.patience ?? 15;

/** Seconds in which the change has to arrive at its node. An undo after a crash waits as long. */
const EXPIRY = 10;

function expiry(session: Session): NodeClock {
  const { boot, uptime } = session.clock();
  return { boot, uptime: uptime + EXPIRY };
}

/**
 * Makes the change. When its outcome is unknown the node is read, over a new connection, before anything is decided.
 * @throws StepFailure when the node has said that nothing of it was done, and what `confirmed` throws.
 */
async function change(
  session: Session,
  step: StepPlan,
  intent: Intent,
  log: UndoLog,
  confirmed: () => Promise<void>,
): Promise<readonly Frame[]> {
  const operations = indexed(step.operations, 0);
  const folders = Object.keys(step.folders);
  const untouched = operations.map(({ index }) => index);
  const nothingDone = (error: KbreakError) =>
    new StepFailure(error, { untouched, answered: true, found: step.folders, left: step.folders });
  const { script, wish } = sending(session, step, intent, log);
  try {
    const frames = await session.run(script, wish);
    const refusal = unarmed(frames);
    if (refusal === undefined) return frames;
    // Whatever there is of it goes; it cannot have fired.
    await confirmed().catch(() => {});
    throw nothingDone(
      new RemoteError(
        `${session.name}: ${step.title}: what would put it back by itself could not be armed: ${complaint(refusal)}`,
        { target: session.name, hint: "nothing was changed" },
      ),
    );
  } catch (error) {
    if (error instanceof LateError || error instanceof LockError) throw nothingDone(error);
    if (!(error instanceof UnknownOutcomeError)) throw error;
    await confirmed();
    const frames = await session.read(lookScript({ operations, folders, probes: [], content: false }));
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

/** The script of a step, with its switch where it has one, and how it is sent. */
function sending(
  session: Session,
  step: StepPlan,
  { guard, expires }: Intent,
  log: UndoLog,
): { readonly script: Shell; readonly wish: RunWish } {
  const held = (token: string) => heldBy(token, (sha256) => step.contents.get(sha256));
  const body = applyScript(indexed(step.operations, 0), Object.keys(step.folders), held);
  const script = timed(session, body, log);
  if (guard === undefined) return { script, wish: { expires } };
  const restore = standaloneScript({
    place: session.identity,
    operations: step.operations,
    folders: Object.entries(step.folders).map(([folder, time]) => ({
      ...{ folder, time },
      expected: undefined,
      always: true,
    })),
    held,
    locked: true,
  });
  // The answer may be what was cut off: a new connection is tried while there still is time to confirm.
  const deadline = Math.max(guard.seconds / 2, EXPIRY + 1) * 1000;
  return { script: armed(guard, restore, script), wish: { expires, deadline } };
}

/** A run's time is extended to a step before the step is made. */
function timed(session: Session, body: Shell, log: UndoLog): Shell {
  const ttl = ttlOf(log.records, session.name);
  if (ttl === undefined) return body;
  const steps = log.records.filter(({ type }) => type === "intent");
  const first =
    steps.filter((entry) => entry.type === "intent" && entry.target === session.name).length === 1;
  const restore = standaloneOf(log, session.name, { place: session.identity, locked: true });
  return withTtl(ttl, { restore, how: first ? "begin" : "extend" }, body);
}

function inEffect(step: StepPlan, index: number, now: State | undefined): boolean {
  const operation = step.operations[index];
  if (operation === undefined || now === undefined) return false;
  const held = heldBy(operation.token, (sha256) => step.contents.get(sha256));
  return kindOf(operation.spec).inEffect(operation.spec, operation.before, now, held);
}

const foldersAround = (frames: readonly Frame[]) => ({
  found: foldersOf(frames, "folders-found"),
  left: foldersOf(frames, "folders-left"),
});

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
      throw new StepFailure(error ?? new RemoteError(`${target}: no state`, { target }), {
        untouched,
        answered: true,
        ...foldersAround(frames),
      });
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
