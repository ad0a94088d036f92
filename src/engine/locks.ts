import { createHash, randomBytes } from "node:crypto";
import { closeSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { LockError, messageOf } from "../errors.ts";
import { isUnwritable, makePrivateFolder, openPrivate } from "../private-files.ts";

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
    // The name in parentheses may hold spaces; state and start, fields 3 and 22, count from behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    // Killed, but nobody has waited for it: PID 1 of a container often never does.
    return fields[0] === "Z" ? undefined : (fields[19] ?? "");
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
 * A claim is an empty file, and all that is known of it is its name: it is there as a whole or not at all, also on a full
 * disk, where undo has to go on. Each has a name of its own, so that removing a stale one can never hit another.
 */
interface Claim {
  readonly name: string;
  readonly owner: Owner;
}

/** Milliseconds that later claims have to withdraw. */
const WITHDRAWAL = 2_000;

function newClaim(lock: string, owner: Owner): string {
  // Earlier claims sort first.
  const order = `${String(Date.now()).padStart(15, "0")}-${randomBytes(6).toString("hex")}`;
  const fields = [owner.run, owner.user, owner.host, owner.pid, owner.start].map(encodeURIComponent);
  return [lock, order, ...fields].join(",");
}

function claimOf(name: string): Claim {
  const [, , run = "", user = "", host = "", pid = "", start = ""] = name.split(",").map(decodeURIComponent);
  return { name, owner: { run, user, host, pid: Number(pid), start } };
}

/** The claims of others, the earliest first, without those whose process has ended. */
function otherClaims(folder: string, lock: string, mine: string): readonly Claim[] {
  const claims = readdirSync(folder)
    .filter((name) => name.startsWith(`${lock},`) && name !== mine)
    .sort()
    .map(claimOf);
  for (const { name } of claims.filter(({ owner }) => isStale(owner)))
    rmSync(join(folder, name), { force: true });
  return claims.filter(({ owner }) => !isStale(owner));
}

/**
 * Takes the lock of one target and gives the function that releases it. A lock whose process has ended is taken over.
 * @throws LockError when somebody else is at work on the target.
 */
export function lockTarget(dataFolder: string, target: string, machineId: string, run: string): () => void {
  const folder = join(dataFolder, "locks");
  const lock = createHash("sha256").update(machineId).digest("hex").slice(0, 16);
  const mine = newClaim(lock, thisOwner(run));
  const release = () => rmSync(join(folder, mine), { force: true });
  try {
    makePrivateFolder(folder);
    closeSync(openPrivate(join(folder, mine), "wx"));
  } catch (error) {
    throw new LockError(`the lock of ${target} cannot be taken: ${messageOf(error)}`, {
      target,
      cause: error,
      hint: "make it writable, or choose another folder with --data-dir",
    });
  }
  try {
    waitForWithdrawals(folder, lock, mine, target);
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

/**
 * Whoever claims and then sees no other claim holds the lock: of two that claim at once, at least one sees the other.
 * So that not both give up, only the later one does.
 * @throws LockError when somebody else holds the lock.
 */
function waitForWithdrawals(folder: string, lock: string, mine: string, target: string): void {
  const end = performance.now() + WITHDRAWAL;
  for (;;) {
    const [other] = otherClaims(folder, lock, mine);
    if (other === undefined) return;
    if (other.name < mine || performance.now() > end) throw heldError(target, other.owner);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
}

const heldError = (target: string, { run, user, host, pid }: Owner) =>
  new LockError(`${target} is being worked on by run ${run} of ${user}@${host} (pid ${pid})`, {
    target,
    hint: "wait until it has ended",
  });

/** Takes the lock of a run's undo log: one process writes it at a time. @throws LockError */
export function lockRun(dataFolder: string, run: string): () => void {
  return lockTarget(dataFolder, `the undo log of ${run}`, `run ${run}`, run);
}

/**
 * Takes a lock, or does without where nothing can be written: nobody else takes one there either, and the nodes have
 * their own.
 * @param tell Is told why there is none.
 * @throws LockError when somebody else holds it.
 */
export function lockWhereWritable(
  lock: () => () => void,
  tell: (message: string) => void = () => {},
): () => void {
  try {
    return lock();
  } catch (error) {
    if (!(error instanceof LockError) || !isUnwritable(error.cause)) throw error;
    tell(error.message);
    return () => {};
  }
}
