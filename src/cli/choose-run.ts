import type { Context } from "../engine/context.ts";
import { openRun, type Run, readOpenRuns, runOf } from "../engine/runs.ts";
import { type RunState, statusOf } from "../engine/status.ts";
import { type UndoLogError, UsageError } from "../errors.ts";
import { accessOf } from "./prepare.ts";

/** The runs that a verb is about. */
export interface Chosen {
  readonly runs: readonly Run[];
  /** Logs that cannot be read: the verb does what it can, and ends with them. */
  readonly damaged: readonly UndoLogError[];
}

/**
 * The run that is named, else the only open one, or with `all` every open one, the newest first.
 * One that is named may have a damaged log: its sound lines count.
 * @throws UsageError for an unknown run, or when several are open and none is named; UndoLogError for a damaged log when
 * none is named.
 */
export async function openRuns(
  dataFolder: string,
  id: string | undefined,
  all: boolean,
  spoilers: "yes" | "no",
): Promise<Chosen> {
  if (id !== undefined) {
    const log = openRun(dataFolder, id, { readOnly: true, forUndo: true });
    log.close();
    return { runs: [runOf(log)], damaged: [] };
  }
  const { runs, damaged } = readOpenRuns(dataFolder);
  const open = runs.toReversed();
  if (all) return { runs: open, damaged };
  // Which run is the only open one cannot be told while one cannot be read.
  if (damaged[0] !== undefined) throw damaged[0];
  if (open.length <= 1) return { runs: open, damaged };
  const names = open.map((run) => (spoilers === "yes" ? `${run.id} (${run.started.name})` : run.id));
  throw new UsageError(`${open.length} runs are open: ${names.join(", ")}`, {
    hint: "name one, or use --all",
  });
}

/** How the nodes of a run are looked at. */
interface Looking {
  /** The inventory that says how they are reached. Default: the run's. */
  readonly inventory?: string | undefined;
  /** True: also into the files that it has changed. */
  readonly texts?: boolean;
}

/** Looks at the nodes of each run. */
export async function statesOf(
  runs: readonly Run[],
  context: Context,
  { inventory, texts = false }: Looking,
): Promise<readonly RunState[]> {
  const states: RunState[] = [];
  for (const run of runs) {
    const log = openRun(context.dataFolder, run.id, { readOnly: true, forUndo: true });
    try {
      const access = await accessOf(run.started.inventory, inventory);
      states.push(await statusOf(run, log, access, context, texts));
    } finally {
      log.close();
    }
  }
  return states;
}
