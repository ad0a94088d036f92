import { ConnectError, EnrolmentError, type KbreakError, UndoError, UndoLogError } from "../errors.ts";
import { machineOf } from "../inventory/enrolment.ts";
import type { NodeAccess } from "../transport/transport.ts";
import { type Context, inRun, sideBySide } from "./context.ts";
import { lockRun, lockTarget, lockWhereWritable } from "./locks.ts";
import { mirrored } from "./mirror.ts";
import { refuseUnderNewer } from "./overlaps.ts";
import type { TargetRecord, Witness } from "./records.ts";
import { clusterCheckOf } from "./run-changes.ts";
import { openRun, type Run, runOf, touchedTargets } from "./runs.ts";
import { openSession } from "./session.ts";
import { type TargetUndone, undoTarget } from "./undo.ts";
import type { UndoLog } from "./undo-log.ts";

/** How a target of an old run is reached today: its address may have changed, its identity may not. */
export type Access = (target: Witness) => NodeAccess;

export interface UndoResult {
  readonly run: string;
  readonly targets: readonly TargetUndone[];
  readonly kept: number;
  readonly complete: boolean;
  /** What is wrong with the log: only what its lines before that tell could be undone. */
  readonly damage: UndoLogError | undefined;
}

/**
 * Undoes a run on all its targets, side by side, whatever state it is in.
 * @throws LockError when another kbreak is at work on it or on one of its targets, UndoLogError when nothing of its log
 * can be read, PreconditionError when a newer run stands on the same thing; nothing was done then.
 */
export async function undoRun(id: string, options: UndoOptions, context: Context): Promise<UndoResult> {
  const lock = (take: () => () => void) =>
    lockWhereWritable(take, (message) =>
      context.emit({ type: "notice", message: `${message}; undo goes on without it` }),
    );
  const releases = [lock(() => lockRun(context.dataFolder, id))];
  try {
    // Opened behind its lock: another process may have been writing it until now.
    const log = mirroredWherePossible(
      openRun(context.dataFolder, id, { forUndo: true }),
      options.mirror,
      context,
    );
    try {
      const run = runOf(log);
      refuseUnderNewer(context.dataFolder, run);
      for (const { name, identity } of touchedTargets(run))
        releases.push(lock(() => lockTarget(context.dataFolder, name, machineOf(identity), id)));
      return await undoTargets(
        run,
        log,
        { exact: options.exact, access: await options.access(run) },
        context,
      );
    } finally {
      log.close();
    }
  } finally {
    for (const release of releases) release();
  }
}

export interface UndoOptions {
  /** True: also what a person fixed in another way is put back. */
  readonly exact: boolean;
  readonly access: (run: Run) => Promise<Access>;
  /** A second data folder, which has a copy of the log. */
  readonly mirror?: string | undefined;
}

/** Undo goes on without a second copy, and says so. */
function mirroredWherePossible(log: UndoLog, mirror: string | undefined, { emit }: Context): UndoLog {
  const tell = (message: string) => emit({ type: "notice", message: `${message}; undo goes on without it` });
  if (mirror === undefined || log.damage !== undefined) return log;
  try {
    return mirrored(log, mirror, tell);
  } catch (error) {
    if (!(error instanceof UndoLogError)) throw error;
    tell(error.message);
    return log;
  }
}

interface TargetOptions {
  readonly exact: boolean;
  readonly access: Access;
}

async function undoTargets(
  run: Run,
  opened: UndoLog,
  options: TargetOptions,
  outer: Context,
): Promise<UndoResult> {
  const targets = touchedTargets(run);
  const context = inRun(outer, run.id, targets);
  const { log, isWhole } = forgiving(opened, context);
  context.emit({ type: "run", run: run.id, verb: "undo" });
  log.append({ type: "undo", targets: targets.map(({ name }) => name), exact: options.exact });
  const results = await sideBySide(targets, context.forks, (target) =>
    undoOne(target, log, options, context),
  );
  const complete = results.every((result) => result.complete);
  log.append({ type: "end", outcome: complete ? "undone" : "undo incomplete" });
  const kept = results.flatMap(({ operations }) =>
    operations.filter(({ outcome }) => outcome === "kept"),
  ).length;
  return { run: run.id, targets: results, kept, complete: complete && isWhole(), damage: log.damage };
}

/**
 * The same log, but an append that fails is said once and no more: undo goes on, as what it has is enough, and a broken
 * lab is worse. It is not called complete then.
 */
function forgiving(log: UndoLog, context: Context) {
  const told = new Set<string>();
  const append: UndoLog["append"] = (record) => {
    try {
      log.append(record);
    } catch (error) {
      if (!(error instanceof UndoLogError)) throw error;
      if (!told.has(error.message))
        context.emit({ type: "notice", message: `${error.message}; undo goes on without it` });
      told.add(error.message);
    }
  };
  return { log: { ...log, append }, isWhole: () => told.size === 0 };
}

/** Seconds to wait for a script that a killed kbreak has left running: filling etcd may take its time. */
const PATIENCE = 150;

async function undoOne(
  target: TargetRecord,
  log: UndoLog,
  options: TargetOptions,
  context: Context,
): Promise<TargetUndone> {
  try {
    const session = await openSession(options.access(target), target.identity, context, {
      patience: PATIENCE,
      cluster: clusterCheckOf(log.records, target.name),
    });
    try {
      return await undoTarget({ log, target: target.name, session, exact: options.exact }, context);
    } finally {
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof ConnectError || error instanceof EnrolmentError)) throw error;
    context.emit({ type: "notice", target: target.name, message: error.message });
    return { target: target.name, complete: false, operations: [], error };
  }
}

/** The error that the command ends with, or `undefined` when nothing is left. */
export function undoErrorOf(result: UndoResult): KbreakError | undefined {
  if (result.complete) return undefined;
  const open = result.targets.filter((target) => !target.complete);
  const lines = open.flatMap(({ target, error, operations }) =>
    error
      ? [`${target}: ${error.message}`]
      : operations
          .filter(({ outcome }) => outcome === "left")
          .map(({ title, detail }) => `${target}: ${title}: ${detail}`),
  );
  const { run, damage } = result;
  if (damage !== undefined)
    return new UndoError(
      ["undo is not complete", damage.message, "what the lines before it tell is undone", ...lines].join(
        "\n",
      ),
      { hint: "see what else is not as it was: kbreak diff show compares with a look that was saved" },
    );
  // Another host key is an error of the connection, as no word is exchanged then.
  const lost = open.some(({ error }) => error instanceof EnrolmentError || error instanceof ConnectError);
  const again = `mend what stands in the way, and type again: kbreak undo ${run}`;
  const never = `; where a node or its cluster was made anew, kbreak undo ${run} --forget closes the run`;
  return new UndoError(["undo is not complete", ...lines].join("\n"), {
    hint: lost ? `${again}${never}` : again,
  });
}
