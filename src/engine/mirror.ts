import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { LockError, UndoLogError } from "../errors.ts";
import { lockRun } from "./locks.ts";
import { runsFolder } from "./runs.ts";
import { type Logged, openLog, type UndoLog } from "./undo-log.ts";

/**
 * A log that is written twice: each record and pre-image is also on the disk of a second data folder before the change
 * that it belongs to, for a log that outlives the laptop. `kbreak --data-dir` undoes from there.
 * @param mirror The second data folder. A copy that is there already is brought up to the log.
 * @param tell Is told when the copy cannot be written any more. No change is begun after that; undo goes on.
 * @throws UndoLogError, LockError when there can be no copy.
 */
export function mirrored(log: UndoLog, mirror: string, tell: (message: string) => void): UndoLog {
  const run = basename(log.folder);
  const folder = join(runsFolder(mirror), run);
  const release = inMirror(mirror, () => lockRun(mirror, run));
  const copy = opened(log, folder, mirror, release);
  let lost: UndoLogError | undefined;
  const alsoThere = (write: () => void) => {
    if (lost !== undefined) return;
    try {
      inMirror(mirror, write);
    } catch (error) {
      if (!(error instanceof UndoLogError)) throw error;
      lost = error;
      tell(error.message);
    }
  };
  return {
    ...log,
    append(record, at = new Date().toISOString()) {
      const begins = record.type === "intent";
      if (begins && lost !== undefined) throw lost;
      log.append(record, at);
      alsoThere(() => copy.append(record, at));
      if (begins && lost !== undefined) throw lost;
    },
    store(bytes) {
      alsoThere(() => copy.store(bytes));
      if (lost !== undefined) throw lost;
      return log.store(bytes);
    },
    close() {
      log.close();
      copy.close();
      release();
    },
  };
}

/** Names the mirror in what goes wrong there. */
function inMirror<Result>(mirror: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof UndoLogError || error instanceof LockError)) throw error;
    throw new UndoLogError(`the second copy in ${mirror}: ${error.message}`, {
      cause: error,
      hint: "make it writable, or leave --mirror out",
    });
  }
}

function opened(log: UndoLog, folder: string, mirror: string, release: () => void): UndoLog {
  try {
    return inMirror(mirror, () => {
      const copy = openLog(folder, { create: !existsSync(folder) });
      try {
        bringUp(log, copy);
      } catch (error) {
        copy.close();
        throw error;
      }
      return copy;
    });
  } catch (error) {
    release();
    throw error;
  }
}

/** A record without what only one of the two ways to get it has. */
const plain = (record: Logged | undefined) => JSON.stringify({ ...record, v: undefined });

/** Writes into a copy what it has not got yet. @throws UndoLogError when it is the copy of something else. */
function bringUp(log: UndoLog, copy: UndoLog): void {
  const differs = copy.records.findIndex((record, n) => plain(record) !== plain(log.records[n]));
  if (differs >= 0) throw new UndoLogError(`its record ${differs} is another than that of ${log.folder}`);
  for (const name of readdirSync(join(log.folder, "blobs")))
    if (/^[0-9a-f]{64}$/.test(name)) copy.store(log.content(name));
  for (const record of log.records.slice(copy.records.length)) copy.append(record, record.at);
}
