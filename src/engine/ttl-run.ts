import { KbreakError, messageOf, PreconditionError, RemoteError } from "../errors.ts";
import { machineOf } from "../inventory/enrolment.ts";
import { type Context, inRun, sideBySide, startTask } from "./context.ts";
import { lockRun, lockTarget } from "./locks.ts";
import type { TargetRecord, TimeToLive } from "./records.ts";
import { isOpen, openRun, type Run, runOf, touchedTargets } from "./runs.ts";
import { openSession, type Session } from "./session.ts";
import { standaloneOf } from "./standalone.ts";
import { newMark } from "./switch.ts";
import { endTtl, setTtl, ttlOf } from "./ttl.ts";
import type { UndoLog } from "./undo-log.ts";
import type { Access } from "./undo-run.ts";

/** What became of setting a run's time on one target. */
export interface TargetTimed {
  readonly target: string;
  readonly error?: KbreakError;
}

/**
 * Sets when each node of a run undoes it by itself, or takes that off.
 * @param seconds From now on; `undefined`: never.
 * @throws LockError, UndoLogError, PreconditionError when nothing is left of the run.
 */
export async function changeTtl(
  id: string,
  seconds: number | undefined,
  options: { readonly access: (run: Run) => Promise<Access> },
  outer: Context,
): Promise<readonly TargetTimed[]> {
  const releases = [lockRun(outer.dataFolder, id)];
  try {
    const log = openRun(outer.dataFolder, id);
    try {
      const run = runOf(log);
      if (!isOpen(run))
        throw new PreconditionError(`nothing is left of the run ${run.id}: it is ${run.status}`, {
          hint: "kbreak runs list shows the open ones",
        });
      const targets = touchedTargets(run);
      for (const { name, identity } of targets)
        releases.push(lockTarget(outer.dataFolder, name, machineOf(identity), id));
      const access = await options.access(run);
      const context = inRun(outer, run.id, targets);
      return await sideBySide(targets, context.forks, (target) =>
        changeTarget(target, seconds, log, access, context),
      );
    } finally {
      log.close();
    }
  } finally {
    for (const release of releases) release();
  }
}

async function changeTarget(
  target: TargetRecord,
  seconds: number | undefined,
  log: UndoLog,
  access: Access,
  context: Context,
): Promise<TargetTimed> {
  const { name } = target;
  const task = startTask(context, name, "ttl", "ttl");
  try {
    const session = await openSession(access(target), target.identity, context);
    try {
      await changeOn(session, seconds, log);
      task.end("done");
      return { target: name };
    } finally {
      await session.close();
    }
  } catch (caught) {
    const error =
      caught instanceof KbreakError ? caught : new RemoteError(messageOf(caught), { target: name });
    task.end("failed", error.message);
    return { target: name, error };
  }
}

async function changeOn(session: Session, seconds: number | undefined, log: UndoLog): Promise<void> {
  const before = ttlOf(log.records, session.name);
  const target = session.name;
  if (seconds === undefined) {
    if (before === undefined) return;
    await endTtl(session, before);
    log.append({ type: "ttl", target, token: before.token });
    return;
  }
  const ttl: TimeToLive & { readonly seconds: number } = {
    ...{ type: "ttl", target, seconds },
    token: before?.token ?? newMark(),
  };
  // Before it is on the node: whoever undoes must know what to take off.
  log.append(ttl);
  await setTtl(session, ttl, standaloneOf(log, target, { place: session.identity, locked: true }));
}
