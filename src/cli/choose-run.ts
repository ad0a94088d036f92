import type { Context } from "../engine/context.ts";
import { isOpen, openRun, type Run, readRuns, runOf } from "../engine/runs.ts";
import { type RunState, statusOf } from "../engine/status.ts";
import { UsageError } from "../errors.ts";
import { accessOf } from "./prepare.ts";

/**
 * The runs that a verb is about: the one that is named, else the only open one, or with `all` every open one, the newest
 * first.
 * @throws UsageError for an unknown run, or when several are open and none is named; UndoLogError for a damaged log.
 */
export async function openRuns(
  dataFolder: string,
  id: string | undefined,
  all: boolean,
  spoilers: "yes" | "no",
): Promise<readonly Run[]> {
  if (id !== undefined) {
    const log = openRun(dataFolder, id, { readOnly: true });
    log.close();
    return [runOf(log)];
  }
  const { runs, damaged } = readRuns(dataFolder);
  if (damaged[0] !== undefined) throw damaged[0];
  const open = runs.filter(isOpen).toReversed();
  if (all || open.length <= 1) return open;
  const names = open.map((run) => (spoilers === "yes" ? `${run.id} (${run.started.name})` : run.id));
  throw new UsageError(`${open.length} runs are open: ${names.join(", ")}`, {
    hint: "name one, or use --all",
  });
}

/** Looks at the nodes of each run. */
export async function statesOf(runs: readonly Run[], context: Context): Promise<readonly RunState[]> {
  const states: RunState[] = [];
  for (const run of runs) {
    const log = openRun(context.dataFolder, run.id, { readOnly: true });
    try {
      states.push(await statusOf(run, log, await accessOf(run.started.inventory), context));
    } finally {
      log.close();
    }
  }
  return states;
}
