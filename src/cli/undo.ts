import type { Command } from "commander";
import type { Run } from "../engine/runs.ts";
import type { UndoResult } from "../engine/undo-run.ts";
import { KbreakError } from "../errors.ts";
import { forksOption, outputOption, print, printJson, spoilersOption } from "./options.ts";

interface Flags {
  readonly all?: boolean;
  readonly exact?: boolean;
  readonly plan?: boolean;
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
    .addOption(forksOption())
    .addOption(spoilersOption())
    .addOption(outputOption("table", "json"))
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak undo\n  kbreak undo 20260301-2015 --plan\n  kbreak undo --all --exact\n",
    )
    .action(undoCommand);
}

async function undoCommand(id: string | undefined, flags: Flags): Promise<void> {
  const { dataFolder } = await import("../lab/folders.ts");
  const { openRuns } = await import("./choose-run.ts");
  const runs = await openRuns(dataFolder(), id, flags.all === true);
  if (runs.length === 0) {
    process.stderr.write("nothing is broken: there is no open run\n");
    return;
  }
  if (flags.plan) return planUndo(runs, flags);
  const results: UndoResult[] = [];
  const errors: KbreakError[] = [];
  for (const run of runs) {
    const { result, error } = await undoOneRun(run, flags);
    if (result !== undefined) results.push(result);
    if (error !== undefined) errors.push(error);
  }
  if (flags.output === "json") printJson(results.map(resultData));
  else for (const result of results) print(summary(result, flags.spoilers === "yes"));
  if (errors[0] !== undefined) throw errors[0];
}

async function undoOneRun(run: Run, flags: Flags): Promise<{ result?: UndoResult; error?: KbreakError }> {
  const [{ undoErrorOf, undoRun }, { accessOf, prepareContext }] = await Promise.all([
    import("../engine/undo-run.ts"),
    import("./prepare.ts"),
  ]);
  const { context, progress } = await prepareContext(undefined, flags);
  try {
    const access = (opened: Run) => accessOf(opened.started.inventory);
    const result = await undoRun(run.id, { exact: flags.exact === true, access }, context);
    const error = undoErrorOf(result);
    return error === undefined ? { result } : { result, error };
  } catch (error) {
    if (error instanceof KbreakError) return { error };
    throw error;
  } finally {
    progress.close();
  }
}

async function planUndo(runs: readonly Run[], flags: Flags): Promise<void> {
  const { statesOf } = await import("./choose-run.ts");
  const states = await statesOf(runs, flags);
  const { isRestored } = await import("../engine/verdict.ts");
  const rows = states.flatMap((state) =>
    state.steps.flatMap((step) =>
      step.operations.map(({ title, verdict }) => ({
        run: state.run,
        target: step.target,
        operation: flags.spoilers === "yes" ? title : `break ${step.step + 1}`,
        verdict,
        undo: isRestored(verdict, flags.exact === true)
          ? "restore"
          : verdict === "fixed differently"
            ? "keep"
            : "nothing",
      })),
    ),
  );
  if (flags.output === "json") {
    printJson(rows);
    return;
  }
  const { columns } = await import("../render/columns.ts");
  print(columns([["RUN", "NODE", "OPERATION", "NOW", "UNDO"], ...rows.map((row) => Object.values(row))]));
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

const resultData = (result: UndoResult) => ({
  run: result.run,
  complete: result.complete,
  kept: result.kept,
  targets: result.targets.map(({ target, complete, error, operations }) => ({
    target,
    complete,
    error: error?.message ?? null,
    operations,
  })),
});
