import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { LockError, messageOf } from "../errors.ts";

/** Who holds a lock. A pid alone is not enough, as pids come again. */
export interface Owner {
  readonly run: string;
  readonly user: string;
  readonly host: string;
  readonly pid: number;
  /** Start of the process in clock ticks since boot, where /proc tells. */
  readonly start: string;
}

/** Start time of a process, or `undefined` when there is none. Empty where there is no /proc. */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return undefined;
  }
  try {
    // The name in parentheses may hold spaces; field 22 counts from behind it.
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

export const thisOwner = (run: string): Owner => ({
  run,
  user: userInfo().username,
  host: hostname(),
  pid: process.pid,
  start: startOf(process.pid) ?? "",
});

function isStale(owner: Owner): boolean {
  if (owner.host !== hostname()) return false;
  const start = startOf(owner.pid);
  return start === undefined || (start !== "" && owner.start !== "" && start !== owner.start);
}

/**
 * Takes the lock of one target and gives the function that releases it. A lock whose process has ended is taken over.
 * @throws LockError when somebody else is at work on the target.
 */
export function lockTarget(dataFolder: string, target: string, machineId: string, run: string): () => void {
  const folder = join(dataFolder, "locks");
  const path = join(folder, createHash("sha256").update(machineId).digest("hex").slice(0, 16));
  const temporary = `${path}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(temporary, JSON.stringify(thisOwner(run)), { mode: 0o600 });
  } catch (error) {
    throw new LockError(`the lock of ${target} cannot be taken: ${messageOf(error)}`, {
      target,
      cause: error,
    });
  }
  try {
    // A link to a whole file either is there or is not: nobody ever reads half a lock.
    for (let tries = 0; tries < 3; tries += 1) {
      if (taken(temporary, path)) return () => rmSync(path, { force: true });
      const owner = ownerOf(path);
      if (owner !== undefined && !isStale(owner))
        throw new LockError(
          `${target} is being worked on by run ${owner.run} of ${owner.user}@${owner.host} (pid ${owner.pid})`,
          {
            target,
            hint: "wait until it has ended",
          },
        );
      removeStale(path, owner);
    }
    throw new LockError(`the lock of ${target} cannot be taken`, { target });
  } finally {
    unlinkSync(temporary);
  }
}

/** Takes the lock of a run's undo log: one process writes it at a time. @throws LockError */
export function lockRun(dataFolder: string, run: string): () => void {
  return lockTarget(dataFolder, `the undo log of ${run}`, `run ${run}`, run);
}

function taken(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Two may find the same stale lock: it is moved aside first, and put back where it turns out to be a fresh one. */
function removeStale(path: string, stale: Owner | undefined): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (JSON.stringify(ownerOf(aside)) !== JSON.stringify(stale)) taken(aside, path);
  unlinkSync(aside);
}

function ownerOf(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Owner;
  } catch {
    return undefined;
  }
}
