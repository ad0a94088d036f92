import { isOpen, openRun, type Run, readRuns, runOf } from "../engine/runs.ts";
import { type RunState, statusOf } from "../engine/status.ts";
import { UsageError } from "../errors.ts";
import { accessOf, prepareContext } from "./prepare.ts";

/**
 * The runs that a verb is about: the one that is named, else the only open one, or with `all` every open one, the newest
 * first.
 * @throws UsageError for an unknown run, or when several are open and none is named; UndoLogError for a damaged log.
 */
export async function openRuns(
  dataFolder: string,
  id: string | undefined,
  all: boolean,
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
  throw new UsageError(
    `${open.length} runs are open: ${open.map((run) => `${run.id} (${run.started.name})`).join(", ")}`,
    {
      hint: "name one, or use --all",
    },
  );
}

/** Looks at the nodes of each run. */
export async function statesOf(
  runs: readonly Run[],
  flags: { readonly forks: number; readonly spoilers: "yes" | "no" },
): Promise<readonly RunState[]> {
  const { context, progress } = await prepareContext(undefined, flags);
  const states: RunState[] = [];
  for (const run of runs) {
    const log = openRun(context.dataFolder, run.id, { readOnly: true });
    try {
      states.push(await statusOf(run, log, await accessOf(run.started.inventory), context));
    } finally {
      log.close();
    }
  }
  progress.close();
  return states;
}
