import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { KbreakError } from "../errors.ts";
import { hostEnvironment } from "./command.ts";

/**
 * Does `work` while no other process holds the lock `path`; waits for its turn and calls `onWait` when it has to.
 *
 * The lock is the kernel's (flock), held by a child whose standard input is our pipe: it ends with us however we
 * end, so that there is no stale lock to judge.
 * @throws KbreakError when the lock cannot be had at all.
 */
export async function withLock<T>(path: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const holder = spawn("flock", [path, "sh", "-c", "echo locked && exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    // Ctrl-C must not end the holder before us.
    detached: true,
    env: hostEnvironment(),
  });
  const ended = new Promise<void>((resolve) => holder.once("close", () => resolve()));
  const waiting = setTimeout(onWait, 500);
  try {
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once("data", () => resolve());
      holder.once("error", reject);
      holder.once("close", (code) => reject(new KbreakError(`flock ${path}: exit code ${code}`)));
    });
  } finally {
    clearTimeout(waiting);
  }
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
