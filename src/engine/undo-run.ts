import { ConnectError, EnrolmentError, type KbreakError, UndoError } from "../errors.ts";
import type { NodeAccess } from "../transport/transport.ts";
import { type Context, sideBySide } from "./context.ts";
import { lockTarget } from "./locks.ts";
import type { TargetRecord } from "./records.ts";
import { type Run, touchedTargets } from "./runs.ts";
import { openSession } from "./session.ts";
import { type TargetUndone, undoTarget } from "./undo.ts";
import { UndoLogError } from "../errors.ts";
import type { UndoLog } from "./undo-log.ts";

/** How a target of an old run is reached today: its address may have changed, its identity may not. */
export type Access = (target: TargetRecord) => NodeAccess;

export interface UndoResult {
  readonly run: string;
  readonly targets: readonly TargetUndone[];
  readonly kept: number;
  readonly complete: boolean;
}

/**
 * Undoes a run on all its targets, side by side, whatever state it is in.
 * @throws LockError when another kbreak is at work on one of them; nothing was done then.
 */
export async function undoRun(
  run: Run,
  log: UndoLog,
  options: { readonly exact: boolean; readonly access: Access },
  context: Context,
): Promise<UndoResult> {
  const targets = touchedTargets(run);
  const releases: (() => void)[] = [];
  try {
    for (const target of targets)
      releases.push(lockTarget(context.dataFolder, target.name, target.identity.machineId, run.id));
    context.emit({ type: "run", run: run.id, verb: "undo" });
    quietly(context, () => log.append({ type: "undo", targets: targets.map(({ name }) => name), exact: options.exact }));
    const results = await sideBySide(targets, context.forks, (target) => undoOne(target, log, options, context));
    const complete = results.every((result) => result.complete);
    const written = quietly(context, () => log.append({ type: "end", outcome: complete ? "undone" : "undo incomplete" }));
    const kept = results.flatMap(({ operations }) => operations.filter(({ outcome }) => outcome === "kept")).length;
    return { run: run.id, targets: results, kept, complete: complete && written };
  } finally {
    for (const release of releases) release();
  }
}

/** Undo goes on when its log cannot be written; it says so, and is not called complete. */
function quietly(context: Context, action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof UndoLogError)) throw error;
    context.emit({ type: "notice", message: `${error.message}; undo goes on without it` });
    return false;
  }
}

async function undoOne(
  target: TargetRecord,
  log: UndoLog,
  options: { readonly exact: boolean; readonly access: Access },
  context: Context,
): Promise<TargetUndone> {
  try {
    const session = await openSession(options.access(target), target.identity, context);
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
  return new UndoError(["undo is not complete", ...lines].join("\n"), {
    hint: `mend what stands in the way, and type again: kbreak undo ${result.run}`,
  });
}
