import type { Command } from "commander";
import type { Context } from "../engine/context.ts";
import type { Run } from "../engine/runs.ts";
import type { UndoResult } from "../engine/undo-run.ts";
import { KbreakError, UndoError } from "../errors.ts";
import {
  accessOption,
  forgetOption,
  forksOption,
  mirrorFolder,
  mirrorOption,
  outputOption,
  print,
  printJson,
  spoilersOption,
} from "./options.ts";
import type { Prepared } from "./prepare.ts";

interface Flags {
  readonly mirror?: string;
  readonly inventory?: string;
  readonly all?: boolean;
  readonly exact?: boolean;
  readonly plan?: boolean;
  readonly forget?: boolean;
  readonly yes?: boolean;
  readonly forks: number;
  readonly spoilers: "yes" | "no";
  readonly output: "table" | "json";
}

/** Adds `kbreak undo`. */
export function register(program: Command): void {
  program
    .command("undo")
    .description("Put everything back as it was")
    .argument("[run]", "the run; without it: the only open one")
    .option("--all", "every open run, the newest first")
    .option("--exact", "put back also what a person has fixed in another way")
    .option("--plan", "show what would be done; changes nothing")
    .addOption(forgetOption())
    .option("-y, --yes", "with --forget: do not ask")
    .addOption(accessOption())
    .addOption(mirrorOption())
    .addOption(forksOption())
    .addOption(spoilersOption())
    .addOption(outputOption("table", "json"))
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak undo\n  kbreak undo 20260301-2015 --plan\n  kbreak undo --all --exact\n  kbreak undo 20260301-2015 --forget\n",
    )
    .action(undoCommand);
}

async function undoCommand(id: string | undefined, flags: Flags): Promise<void> {
  const { dataFolder } = await import("../lab/folders.ts");
  const { openRuns } = await import("./choose-run.ts");
  const { runs, damaged } = await openRuns(dataFolder(), id, flags.all === true, flags.spoilers);
  if (runs.length === 0) {
    if (damaged.length > 0) throw together(damaged);
    if (flags.output === "json") printJson([]);
    process.stderr.write("nothing is broken: there is no open run\n");
    return;
  }
  if (flags.forget) {
    const { forget } = await import("./forget.ts");
    for (const run of runs) await forget(run, dataFolder(), flags);
    return;
  }
  const { prepareContext } = await import("./prepare.ts");
  const prepared = await prepareContext(flags, "undo goes on to its end; once more ends it at once");
  try {
    if (flags.plan) return await planUndo(runs, flags, prepared);
    const { results, errors } = await undoAll(runs, flags, prepared.context);
    prepared.progress.close();
    if (flags.output === "json")
      printJson(results.map((result) => resultData(result, flags.spoilers === "yes")));
    else for (const result of results) print(summary(result, flags.spoilers === "yes"));
    if (errors.length + damaged.length > 0) throw together([...errors, ...damaged]);
  } finally {
    prepared.close();
  }
}

/** One run after the other: one that cannot be undone does not keep the others from it. */
async function undoAll(runs: readonly Run[], flags: Flags, context: Context) {
  const [{ undoErrorOf, undoRun }, { accessOf }] = await Promise.all([
    import("../engine/undo-run.ts"),
    import("./prepare.ts"),
  ]);
  const mirror = mirrorFolder(flags.mirror, context.dataFolder);
  const results: UndoResult[] = [];
  const errors: KbreakError[] = [];
  const access = (opened: Run) => accessOf(opened.started.inventory, flags.inventory);
  for (const run of runs) {
    try {
      const result = await undoRun(run.id, { exact: flags.exact === true, access, mirror }, context);
      const error = undoErrorOf(result);
      results.push(result);
      if (error !== undefined) errors.push(error);
    } catch (error) {
      if (!(error instanceof KbreakError)) throw error;
      errors.push(error);
    }
  }
  return { results, errors };
}

/** One error for all runs that are not undone; a single one keeps its class. */
function together(errors: readonly KbreakError[]): KbreakError {
  const [first] = errors;
  if (first !== undefined && errors.length === 1) return first;
  return new UndoError(errors.map(({ message }) => message).join("\n"), {
    hint: "mend what stands in the way, and type again: kbreak undo --all",
  });
}

async function planUndo(runs: readonly Run[], flags: Flags, { context, progress }: Prepared): Promise<void> {
  const [{ statesOf }, { renderUndoPlan, undoPlanData }] = await Promise.all([
    import("./choose-run.ts"),
    import("../render/undo-plan.ts"),
  ]);
  const spoilers = flags.spoilers === "yes";
  const shown = { exact: flags.exact === true, spoilers };
  const states = await statesOf(runs, context, {
    inventory: flags.inventory,
    texts: spoilers && flags.output === "table",
  });
  progress.close();
  if (flags.output === "json") printJson(undoPlanData(states, shown));
  else print(renderUndoPlan(states, shown));
}

function summary(result: UndoResult, spoilers: boolean): string {
  const state = result.complete
    ? result.kept > 0
      ? `undone, ${result.kept} kept`
      : "undone"
    : "undo incomplete";
  const kept = result.targets.flatMap(({ target, operations }) =>
    operations
      .filter(({ outcome }) => outcome === "kept")
      .map(
        ({ title, step }) =>
          `  ${target}: ${spoilers ? title : `break ${step + 1}`}: kept, as it was fixed differently (--exact puts it back)`,
      ),
  );
  return [`run ${result.run}: ${state}`, ...kept].join("\n");
}

const resultData = (result: UndoResult, spoilers: boolean) => ({
  run: result.run,
  complete: result.complete,
  kept: result.kept,
  targets: result.targets.map(({ target, complete, error, operations }) => ({
    target,
    complete,
    error: error?.message ?? null,
    operations: spoilers ? operations : operations.map(({ verdict, outcome }) => ({ verdict, outcome })),
  })),
});
