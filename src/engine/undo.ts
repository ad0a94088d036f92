import { KbreakError, messageOf, RemoteError, UndoLogError } from "../errors.ts";
import { API_PATIENCE, apiLibrary } from "../operations/api-library.ts";
import { kindOf } from "../operations/index.ts";
import type { State } from "../operations/operation.ts";
import type { Symptom } from "../probes/probe.ts";
import { lines, type Shell, sh } from "../shell.ts";
import { type Context, startTask } from "./context.ts";
import { ACTOR_PERIOD, folderWishes, type Item, isActor, isThroughApi, itemsOf } from "./items.ts";
import type { FolderTimes, RunRecord, Verdict } from "./records.ts";
import { type Frame, parseLines } from "./script.ts";
import type { Session } from "./session.ts";
import { changeOf, foldersOf, lookOf, lookScript, restoreScript, symptomFrom } from "./step-script.ts";
import { answerOf, cancelling, type Switch } from "./switch.ts";
import { endTtl, ttlOf } from "./ttl.ts";
import type { UndoLog } from "./undo-log.ts";
import { isRestored, verdictOf } from "./verdict.ts";

/** What became of undoing a run on one target. */
export interface TargetUndone {
  readonly target: string;
  /** True when every operation is restored, or kept because a person fixed it in another way. */
  readonly complete: boolean;
  readonly operations: readonly OperationUndone[];
  /** Why nothing could be done at all. */
  readonly error?: KbreakError;
}

export interface OperationUndone {
  readonly step: number;
  readonly stepTitle: string;
  readonly title: string;
  /** What was found. */
  readonly verdict: Verdict;
  /** What became of it. */
  readonly outcome: "restored" | "kept" | "left";
  /** Why it was left. */
  readonly detail: string;
}

export interface UndoRequest {
  readonly log: UndoLog;
  readonly target: string;
  readonly session: Session;
  /** True: also what a person fixed in another way is put back. */
  readonly exact: boolean;
}

/** What one look at the node told. */
interface Looked {
  readonly states: readonly (State | undefined)[];
  readonly complaints: readonly string[];
  /** By step. */
  readonly symptoms: ReadonlyMap<number, Symptom>;
  readonly folders: FolderTimes;
  readonly frames: readonly Frame[];
}

/**
 * Undoes a run on one target, from whatever is found there: first its actors, then everything else backwards, then a
 * last look after the longest actor's period. Does no harm when it is called again. Never throws.
 */
export async function undoTarget(request: UndoRequest, context: Context): Promise<TargetUndone> {
  const { target, log } = request;
  const task = startTask(context, target, "undo", "undo");
  try {
    const items = itemsOf(log.records, target);
    const operations = items.length === 0 ? [] : await undoItems(request, items, context, task.at);
    const left = operations.filter((operation) => operation.outcome === "left");
    const kept = operations.filter((operation) => operation.outcome === "kept");
    if (left.length === 0) await endTime(request, context);
    record(log, { type: "undone", target, kept: kept.length, left: left.length }, context);
    context.logger.info({ node: target, kept: kept.length, left: left.length }, "undone");
    task.end(
      left.length === 0 ? "done" : "failed",
      left.length > 0 ? left.map(({ title, detail }) => `${title}: ${detail}`).join("; ") : keptText(kept),
    );
    return { target, complete: left.length === 0, operations };
  } catch (caught) {
    const error =
      caught instanceof KbreakError ? caught : new RemoteError(messageOf(caught), { target, cause: caught });
    task.end("failed", error.message);
    context.logger.warn({ node: target, code: error.code }, "undo failed");
    return { target, complete: false, operations: [], error };
  }
}

/** The last that is undone: until then the node would do it by itself. */
async function endTime({ log, target, session }: UndoRequest, context: Context): Promise<void> {
  const ttl = ttlOf(log.records, target);
  if (ttl === undefined) return;
  await endTtl(session, ttl);
  record(log, { type: "ttl", target, token: ttl.token }, context);
}

const keptText = (kept: readonly OperationUndone[]) =>
  kept.length === 0
    ? undefined
    : `kept, as it was fixed differently: ${kept.map(({ title }) => title).join(", ")}`;

/** Undo goes on when the log cannot be written: what it has is enough, and a broken lab is worse. */
function record(log: UndoLog, entry: RunRecord, context: Context): void {
  try {
    log.append(entry);
  } catch (error) {
    if (!(error instanceof UndoLogError)) throw error;
    context.emit({ type: "notice", message: `${error.message}; undo goes on without it` });
  }
}

/** What may come with a look. */
interface LookWish {
  /** True: the bytes of files, too. */
  readonly content?: boolean;
  /** What the same script does before it looks. */
  readonly first?: Shell;
}

async function look(
  session: Session,
  items: readonly Item[],
  { content = false, first = sh`` }: LookWish = {},
): Promise<Looked> {
  const steps = new Map(items.map(({ intent }) => [intent.step, intent]));
  const folders = [...new Set(items.flatMap(({ intent }) => Object.keys(intent.folders)))];
  const probes = [...steps.values()].flatMap(({ step, symptom }) =>
    symptom === undefined ? [] : [{ index: step, script: { shell: symptom.script } }],
  );
  const script = lookScript({ operations: items, folders, probes, content });
  const frames = await session.read(lines(first, script));
  const looks = items.map(({ index }) => lookOf(frames, index));
  return {
    states: looks.map(({ state }) => state),
    complaints: looks.map(({ complaint }) => complaint),
    // Without a probe nobody can tell whether a person has fixed it; then the state alone decides.
    symptoms: new Map(
      [...steps.values()].map(({ step, symptom }) => [step, symptom ? symptomFrom(frames, step) : "quiet"]),
    ),
    folders: foldersOf(frames, "folders"),
    frames,
  };
}

/**
 * The first look of an undo, behind the cancellation of what would undo by itself meanwhile. A change that was sent and
 * never heard of again may still be in the network, and would be made after it was undone: so its expiry is waited for.
 */
async function lookWhenSettled(
  session: Session,
  items: readonly Item[],
  guards: readonly Switch[],
  at: (detail: string) => void,
): Promise<Looked> {
  const first = await look(session, items, { first: cancelling(guards) });
  const { boot, uptime } = session.clock();
  const waits = items
    .filter(({ onItsWay, intent }) => onItsWay && intent.expires.boot === boot)
    .map(({ intent }) => intent.expires.uptime + 1 - uptime);
  const seconds = Math.max(0, ...waits);
  if (seconds === 0) return first;
  at(`waiting ${seconds} s for what may still be on its way`);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const second = await look(session, items, { first: cancelling(guards) });
  return { ...second, frames: [...first.frames, ...second.frames] };
}

/** The steps whose switch nobody has heard of since it was to be armed. */
function guardedSteps(log: UndoLog, target: string): ReadonlyMap<number, Switch> {
  const mine = log.records.filter((entry) => "target" in entry && entry.target === target);
  const gone = new Set(mine.flatMap((entry) => (entry.type === "switch" ? [entry.step] : [])));
  return new Map(
    mine.flatMap((entry) =>
      entry.type === "intent" && entry.guard !== undefined && !gone.has(entry.step)
        ? [[entry.step, entry.guard]]
        : [],
    ),
  );
}

/** An operation of a run and what is to be said of it now. Reads only. */
export interface ItemFinding {
  readonly item: Item;
  readonly verdict: Verdict;
  readonly symptom: Symptom;
  /** For a change of a text, when texts were asked for. */
  readonly texts?: ThreeTexts;
}

/** A text as it was before, as the change made it, and as it is now; `undefined`: what is there now is no text. */
export interface ThreeTexts {
  readonly before: string;
  readonly made: string;
  readonly now: string | undefined;
}

/**
 * What the operations of a run on one node look like now: one round trip.
 * @param texts True: with the texts of what is there, as far as it is text.
 */
export async function findingsOf(
  log: UndoLog,
  session: Session,
  texts = false,
): Promise<readonly ItemFinding[]> {
  const items = itemsOf(log.records, session.name);
  if (items.length === 0) return [];
  const looked = await look(session, items, { content: texts });
  const verdicts = verdictsOf(items, looked, log);
  return items.map((item) => ({
    item,
    verdict: verdicts[item.index] ?? "unknown",
    symptom: looked.symptoms.get(item.intent.step) ?? "unknown",
    ...(texts ? textsOf(item, looked.states[item.index], log) : {}),
  }));
}

function textsOf(
  { spec, before, token }: Item,
  now: State | undefined,
  log: UndoLog,
): Pick<ItemFinding, "texts"> {
  const kind = kindOf(spec);
  const { before: was, after: made } = kind.preview(spec, before, heldOf(log)(token));
  if (was === undefined || made === undefined || now === undefined) return {};
  return { texts: { before: was, made, now: kind.text(now) } };
}

const heldOf = (log: UndoLog) => (token: string) => ({ token, content: log.content });

function verdictsOf(items: readonly Item[], looked: Looked, log: UndoLog): readonly Verdict[] {
  return items.map((item) =>
    verdictOf(
      {
        operation: item,
        now: looked.states[item.index],
        symptom: looked.symptoms.get(item.intent.step) ?? "unknown",
        halfDone: item.halfDone,
      },
      heldOf(log)(item.token),
    ),
  );
}

async function undoItems(
  request: UndoRequest,
  items: readonly Item[],
  context: Context,
  at: (detail: string) => void,
): Promise<readonly OperationUndone[]> {
  const { session, log } = request;
  at("looking");
  const guarded = guardedSteps(log, request.target);
  const first = await lookWhenSettled(session, items, [...guarded.values()], at);
  for (const [step, guard] of guarded) {
    const answer = answerOf(first.frames, guard);
    if (answer) record(log, { type: "switch", target: request.target, step, answer }, context);
  }
  const folders = decideFolders(log, request.target, items, first.folders, context);
  const part = { request, all: items, folders, at };
  const own = await undoPart(
    items.filter((item) => !isThroughApi(item)),
    first,
    part,
  );
  const objects = items.filter(isThroughApi);
  let api = objects.length === 0 ? [] : await undoPart(objects, await whenApiAnswers(), part);
  if (api.some(({ unread }) => unread)) {
    // The API was there, and went while they were put back.
    await awaitApi(session, at);
    api = await undoPart(objects, await look(session, items), part);
  }
  const undone = [...own, ...api].toSorted((one, other) => one.item.index - other.item.index);
  recordRestored(log, request.target, undone, context);
  return undone.map(({ undone: operation }) => operation);

  // What keeps the API from answering may be the run's own, and is put back by now.
  async function whenApiAnswers(): Promise<Looked> {
    const told = objects.every(({ index }) => first.states[index] !== undefined);
    if (told && own.every(({ touched }) => !touched)) return first;
    await awaitApi(session, at);
    return look(session, items);
  }
}

/** What became of one operation. */
interface Undone {
  readonly item: Item;
  readonly verdict: Verdict;
  /** True: undo has put it back, or tried to. */
  readonly touched: boolean;
  /** True: what it is at last could not be read. */
  readonly unread: boolean;
  readonly undone: OperationUndone;
}

interface Part {
  readonly request: UndoRequest;
  /** All operations of the run on the node: a step's symptom and folders are theirs together. */
  readonly all: readonly Item[];
  readonly folders: FolderTimes;
  readonly at: (detail: string) => void;
}

/** Undoes some of a run's operations: its actors first, then the others backwards; then looks whether they are back. */
async function undoPart(
  items: readonly Item[],
  first: Looked,
  { request, all, folders, at }: Part,
): Promise<readonly Undone[]> {
  const { session, log, exact } = request;
  const found = verdictsOf(all, first, log);
  const actors = items.filter((item) => isActor(item) && found[item.index] !== "fixed exactly").toReversed();
  if (actors.length > 0) at("stopping what breaks it again");
  const stopped =
    actors.length > 0 ? await look(session, all, { first: restoreScript(actors, {}, heldOf(log)) }) : first;
  const verdicts = verdictsOf(all, stopped, log);
  const restoring = items
    .filter(
      (item) =>
        isRestored(verdicts[item.index] ?? "unknown", exact) || hasRemains(item, stopped.states[item.index]),
    )
    .toReversed();
  at("restoring");
  const moved = Object.entries(folders).some(([folder, time]) => stopped.folders[folder] !== time);
  const idle = restoring.length === 0 && !moved;
  const restore = (some: readonly Item[]) => session.read(restoreScript(some, folders, heldOf(log)));
  const frames = idle ? [] : [...(await restore(restoring))];
  if (actors.length > 0) await new Promise((resolve) => setTimeout(resolve, ACTOR_PERIOD * 1000));
  let last = restoring.length + actors.length > 0 ? await look(session, all) : stopped;
  const left = restoring.filter((item) => !isBack(item, last.states[item.index]));
  if (left.length > 0 && left.length < restoring.length) {
    // It may have been in the way of one what another has put back since: a queue's numbers follow the device's MTU.
    frames.push(...(await restore(left)));
    last = await look(session, all);
  }
  return items.map((item) => {
    const change = changeOf(frames, "restore", item.index);
    const verdict = verdicts[item.index] ?? "unknown";
    const restored = isBack(item, last.states[item.index]);
    const kept = !restored && verdict === "fixed differently" && !exact;
    return {
      item,
      verdict,
      unread: last.states[item.index] === undefined,
      touched: restoring.includes(item) || actors.includes(item),
      undone: {
        step: item.intent.step,
        stepTitle: item.intent.title,
        title: kindOf(item.spec).title(item.spec),
        verdict: isActor(item) ? (found[item.index] ?? "unknown") : verdict,
        outcome: restored ? "restored" : kept ? "kept" : "left",
        detail:
          restored || kept
            ? ""
            : change.kind === "failed"
              ? change.message
              : last.complaints[item.index] || "it is not as it was",
      },
    };
  });
}

/** Waits until the API server answers, and no longer than it is of use. */
async function awaitApi(session: Session, at: (detail: string) => void): Promise<void> {
  const end = performance.now() + API_PATIENCE * 1000;
  for (;;) {
    const frames = await session.read(apiScript);
    if (apiAnswers(frames)) return;
    const left = Math.round((end - performance.now()) / 1000);
    if (left <= 0) return;
    at(`waiting for the API server to answer: ${left} s left`);
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

const apiScript = lines(apiLibrary, sh`begin 0 api; put answers "$API"; end 0 api 0`);

const apiAnswers = (frames: readonly Frame[]) =>
  parseLines(frames.find(({ name }) => name === "api")?.lines ?? [], "=").answers === "up";

const isBack = ({ spec, before }: Item, now: State | undefined) =>
  now !== undefined && kindOf(spec).restored(spec, before, now);

const hasRemains = ({ spec, before }: Item, now: State | undefined) =>
  now !== undefined && kindOf(spec).remains(spec, before, now);

/**
 * Which folders' modification times are put back: those where nobody but us wrote. Decided by the first undo and kept
 * in the log, as the undo itself moves them.
 */
function decideFolders(
  log: UndoLog,
  target: string,
  items: readonly Item[],
  now: FolderTimes,
  context: Context,
): FolderTimes {
  const ours = folderWishes(log.records, target, items).filter(
    ({ folder, time, expected, always }) => always || now[folder] === time || now[folder] === expected,
  );
  const folders = Object.fromEntries(ours.map(({ folder, time }) => [folder, time]));
  const decided = log.records.some((entry) => entry.type === "folders" && entry.target === target);
  if (!decided) record(log, { type: "folders", target, folders }, context);
  return folders;
}

function recordRestored(log: UndoLog, target: string, undone: readonly Undone[], context: Context): void {
  const steps = [...new Set(undone.map(({ item }) => item.intent.step))];
  for (const step of steps) {
    const operations = undone
      .filter(({ item }) => item.intent.step === step)
      .map(({ verdict, touched }) => ({ verdict, kept: !touched && verdict === "fixed differently" }));
    record(log, { type: "restored", target, step, operations }, context);
  }
}
