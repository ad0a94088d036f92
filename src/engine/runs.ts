import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { UndoLogError, UsageError } from "../errors.ts";
import { lockRun } from "./locks.ts";
import type { Intent, RunEnded, RunStarted, TargetRecord } from "./records.ts";
import { type Logged, lastRecord, type OpenOptions, openLog, type UndoLog } from "./undo-log.ts";

/** A run as its log tells it. */
export interface Run {
  readonly id: string;
  readonly started: RunStarted;
  readonly at: string;
  readonly records: readonly Logged[];
  readonly status: RunStatus;
  /** What is wrong with its log, of which only the lines before that count. */
  readonly damage: UndoLogError | undefined;
}

/**
 * `applied`: broken as it should be. `interrupted`: kbreak ended in the middle. `failed`: what was applied was undone
 * or could not be. `undone`: nothing of it is left, but what a person fixed in another way. `rolled back`: the same, as
 * a node was cut off and put itself back. `gone`: its nodes are. `forgotten`: a person has closed it, as it cannot be
 * undone.
 */
export type RunStatus = RunEnded["outcome"];

/** The folder of all undo logs below the data folder. */
export const runsFolder = (dataFolder: string) => join(dataFolder, "runs");

/** A new id: sorts by time, and never meets another. */
export function newRunId(now = new Date()): string {
  const time = now.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `${time}-${randomBytes(2).toString("hex")}`;
}

/** The ids of all runs, the oldest first. */
export function runIds(dataFolder: string): readonly string[] {
  const folder = runsFolder(dataFolder);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, "log.jsonl")))
    .sort();
}

/** The run with this id, or with this beginning of one. @throws UsageError when it is not exactly one. */
function runNamed(dataFolder: string, id: string): string {
  const known = runIds(dataFolder);
  const found = known.includes(id) ? [id] : known.filter((name) => id.length >= 4 && name.startsWith(id));
  const [first] = found;
  if (first === undefined)
    throw new UsageError(`there is no run ${id}`, { hint: "kbreak runs list shows them all" });
  if (found.length > 1)
    throw new UsageError(`${found.length} runs begin with ${id}: ${found.slice(0, 5).join(", ")}`, {
      hint: "type more of it; kbreak runs list shows them all",
    });
  return first;
}

/** Opens the log of a run, by its id or the beginning of it. @throws UsageError when there is no such run. */
export function openRun(dataFolder: string, id: string, options: Omit<OpenOptions, "create"> = {}): UndoLog {
  return openLog(join(runsFolder(dataFolder), runNamed(dataFolder, id)), options);
}

/** Folds the records of a log. @throws UndoLogError for a log without its first record. */
export function runOf(log: Pick<UndoLog, "folder" | "records" | "damage">): Run {
  const [first] = log.records;
  if (first === undefined && log.damage !== undefined) throw log.damage;
  if (first?.type !== "run")
    throw new UndoLogError(`${log.folder} holds no run: its first record is missing`);
  const { records, damage } = log;
  return { id: first.run, started: first, at: first.at, records, status: statusOf(records), damage };
}

function statusOf(records: readonly Logged[]): RunStatus {
  const last = records.findLast((record) => record.type === "end" || record.type === "undo");
  // Nothing is changed before an intent is on the disk.
  if (!records.some((record) => record.type === "intent")) return "undone";
  if (last?.type === "end") return last.outcome;
  return last?.type === "undo" ? "undo incomplete" : "interrupted";
}

const closed: readonly RunStatus[] = ["undone", "rolled back", "gone", "forgotten"];

/** Whether something of the run may still be in effect. */
export function isOpen(run: Run): boolean {
  return !closed.includes(run.status);
}

/** Ends the open runs of an inventory whose nodes exist no more. @throws LockError, UndoLogError */
export function endRunsOf(dataFolder: string, inventory: string): void {
  const { runs } = readOpenRuns(dataFolder);
  for (const run of runs.filter((one) => one.started.inventory === inventory))
    endRun(dataFolder, run.id, "gone");
}

/** Writes the end of a run into its log, and touches nothing else. @throws LockError, UndoLogError */
export function endRun(dataFolder: string, id: string, outcome: RunStatus): void {
  const release = lockRun(dataFolder, id);
  try {
    const log = openRun(dataFolder, id);
    log.append({ type: "end", outcome });
    log.close();
  } finally {
    release();
  }
}

/** Runs in the order in which they began, and what is wrong with those that cannot be read. */
export interface Runs {
  readonly runs: readonly Run[];
  readonly damaged: readonly UndoLogError[];
}

/** Every run that can be read. */
export const readRuns = (dataFolder: string): Runs => readThose(dataFolder, runIds(dataFolder), {});

/**
 * The runs of which something may still be in effect. One whose log ends with its closing is not read any further: of a lab's
 * many runs hardly one is open.
 */
export function readOpenRuns(dataFolder: string, options: Pick<OpenOptions, "forUndo"> = {}): Runs {
  const ids = runIds(dataFolder).filter((id) => {
    const last = lastRecord(join(runsFolder(dataFolder), id));
    return last?.type !== "end" || !closed.includes(last.outcome);
  });
  const { runs, damaged } = readThose(dataFolder, ids, options);
  return { runs: runs.filter(isOpen), damaged };
}

function readThose(dataFolder: string, ids: readonly string[], options: OpenOptions): Runs {
  const runs: Run[] = [];
  const damaged: UndoLogError[] = [];
  for (const id of ids) {
    try {
      const log = openLog(join(runsFolder(dataFolder), id), { ...options, readOnly: true });
      log.close();
      // A run that was killed before its first record was whole has touched nothing.
      if (log.records.length > 0) runs.push(runOf(log));
    } catch (error) {
      if (!(error instanceof UndoLogError)) throw error;
      damaged.push(error);
    }
  }
  return { runs: inOrder(runs), damaged };
}

/**
 * Runs in the order in which they began, the oldest first. Ids tell seconds only, and the clock that they are by may have
 * been set back: what counts first is which runs were open already when another began.
 */
export function inOrder(runs: readonly Run[]): readonly Run[] {
  const known = new Map(runs.map((run) => [run.id, run]));
  const ordered = new Set<Run>();
  const take = (run: Run, above: readonly Run[]): void => {
    if (ordered.has(run) || above.includes(run)) return;
    for (const id of run.started.after ?? []) {
      const older = known.get(id);
      if (older !== undefined) take(older, [...above, run]);
    }
    ordered.add(run);
  };
  for (const run of runs.toSorted((one, other) => one.at.localeCompare(other.at))) take(run, []);
  return [...ordered];
}

/** The steps that were begun on a target, in order. */
export function intentsOf(run: Run, target: string): readonly Intent[] {
  return run.records.filter(
    (record): record is Logged & Intent => record.type === "intent" && record.target === target,
  );
}

/** The targets on which something was begun. */
export function touchedTargets(run: Run): readonly TargetRecord[] {
  const begun = new Set(run.records.flatMap((record) => (record.type === "intent" ? [record.target] : [])));
  return run.started.targets.filter(({ name }) => begun.has(name));
}
