import type { Command } from "commander";
import type { Run } from "../engine/runs.ts";
import type { RunState, StepStatus } from "../engine/status.ts";
import { VerificationError } from "../errors.ts";
import { forksOption, outputOption, print, printJson, spoilersOption } from "./options.ts";

interface Flags {
  readonly check?: boolean;
  readonly watch?: boolean;
  readonly forks: number;
  readonly spoilers: "yes" | "no";
  readonly output: "table" | "json" | "name";
}

/** Adds `kbreak status`. */
export function register(program: Command): void {
  program
    .command("status")
    .alias("verify")
    .description("Show what is in effect, what is fixed, and whether the goal is met")
    .argument("[run]", "the run; without it: every open one")
    .option("--check", "end with 3 unless everything is still armed: just before going on air")
    .option("--watch", "look again every two seconds; times of break and fix go into the run")
    .addOption(forksOption())
    .addOption(spoilersOption())
    .addOption(outputOption("table", "json", "name"))
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak status\n  kbreak status --check\n  kbreak status --watch --spoilers no\n",
    )
    .action(statusCommand);
}

async function statusCommand(id: string | undefined, flags: Flags): Promise<void> {
  const { dataFolder } = await import("../lab/folders.ts");
  const { openRuns } = await import("./choose-run.ts");
  const runs = await openRuns(dataFolder(), id, true);
  if (runs.length === 0) {
    if (flags.output === "json") printJson([]);
    process.stderr.write("nothing is broken: there is no open run\n");
    return;
  }
  if (flags.watch) return watch(dataFolder(), runs, flags);
  const { statesOf } = await import("./choose-run.ts");
  const states = await statesOf(runs, flags);
  await show(states, flags);
  if (flags.check) refuseUnarmed(states);
}

function refuseUnarmed(states: readonly RunState[]): void {
  const steps = states.flatMap((state) => state.steps);
  const idle = steps.filter((step) => !isArmed(step));
  if (steps.length > 0 && idle.length === 0) return;
  throw new VerificationError(`${steps.length - idle.length} of ${steps.length} are armed`, {
    hint: "kbreak undo, then kbreak apply again, arms everything anew",
  });
}

const isArmed = (step: StepStatus) => step.state === "in effect" && step.symptom !== "quiet";

async function show(states: readonly RunState[], flags: Flags): Promise<void> {
  if (flags.output === "json") {
    printJson(flags.spoilers === "yes" ? states : states.map(withoutSpoilers));
    return;
  }
  if (flags.output === "name") {
    print(states.map(({ run }) => run).join("\n"));
    return;
  }
  const { renderStates } = await import("../render/status.ts");
  print(renderStates(states, flags.spoilers === "yes"));
}

const withoutSpoilers = ({ run, name, status, at, steps, goals }: RunState) => ({
  run,
  name,
  status,
  at,
  inEffect: steps.filter(({ state }) => state === "in effect").length,
  steps: steps.length,
  goalMet: goals.every(({ met }) => met),
});

async function watch(dataFolder: string, runs: readonly Run[], flags: Flags): Promise<void> {
  const { statesOf } = await import("./choose-run.ts");
  const { recordChanges } = await import("../engine/watch.ts");
  const { renderStates } = await import("../render/status.ts");
  const { createLogUpdate } = await import("log-update");
  const live = process.stdout.isTTY ? createLogUpdate(process.stdout) : undefined;
  let seen = new Map<string, string>();
  let open = true;
  process.once("SIGINT", () => {
    open = false;
  });
  while (open) {
    const states = await statesOf(runs, flags);
    seen = recordChanges(dataFolder, states, seen);
    const text = renderStates(states, flags.spoilers === "yes");
    if (live) live(text);
    else print(text);
    if (states.every(({ steps }) => steps.every(({ state }) => state !== "in effect" && state !== "drifted")))
      break;
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}
