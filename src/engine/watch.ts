import { LockError } from "../errors.ts";
import { lockRun } from "./locks.ts";
import { openRun } from "./runs.ts";
import type { RunState } from "./status.ts";

/**
 * Writes into each run's log what has changed since the last look, and gives what was seen now. A log that another
 * kbreak is writing is left alone: the change is written at the next look.
 * @param seen state by `run/target/step`.
 */
export function recordChanges(
  dataFolder: string,
  states: readonly RunState[],
  seen: ReadonlyMap<string, string>,
): Map<string, string> {
  const now = new Map(seen);
  for (const { run, steps } of states) {
    const changed = steps.filter(({ target, step, state }) => seen.get(`${run}/${target}/${step}`) !== state);
    if (changed.length === 0) continue;
    try {
      const release = lockRun(dataFolder, run);
      try {
        const log = openRun(dataFolder, run);
        for (const { target, step, state } of changed) log.append({ type: "observed", target, step, state });
        log.close();
      } finally {
        release();
      }
      for (const { target, step, state } of changed) now.set(`${run}/${target}/${step}`, state);
    } catch (error) {
      if (!(error instanceof LockError)) throw error;
    }
  }
  return now;
}
