import type { Command } from "commander";
import type { Context } from "../engine/context.ts";
import type { Run } from "../engine/runs.ts";
import type { RunState, StepStatus } from "../engine/status.ts";
import { ConnectError, EnrolmentError, VerificationError } from "../errors.ts";
import {
  accessOption,
  forksOption,
  isMovable,
  outputOption,
  print,
  printJson,
  spoilersOption,
} from "./options.ts";

interface Flags {
  readonly inventory?: string;
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
    .addOption(accessOption())
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
  const [{ dataFolder }, { openRuns, statesOf }, { prepareContext }] = await Promise.all([
    import("../lab/folders.ts"),
    import("./choose-run.ts"),
    import("./prepare.ts"),
  ]);
  const { runs, damaged } = await openRuns(dataFolder(), id, true, flags.spoilers);
  if (runs.length === 0) {
    if (damaged[0] !== undefined) throw damaged[0];
    if (flags.output === "json") printJson([]);
    process.stderr.write("nothing is broken: there is no open run\n");
    if (flags.check) refuseUnarmed([]);
    return;
  }
  const prepared = await prepareContext(flags, "");
  try {
    if (flags.watch) return await watch(runs, flags, prepared.context);
    const states = await statesOf(runs, prepared.context, flags);
    prepared.progress.close();
    await show(states, flags);
    const damage = damaged[0] ?? runs.find((run) => run.damage !== undefined)?.damage;
    if (damage !== undefined) throw damage;
    if (flags.check) refuseUnarmed(states);
    refuseReplaced(states);
    refuseUnreachable(states);
  } finally {
    prepared.close();
  }
}

/** @throws VerificationError unless all that could be looked at is armed, and something is. */
function refuseUnarmed(states: readonly RunState[]): void {
  const steps = states.flatMap((state) => state.steps);
  const armed = steps.filter(isArmed).length;
  const lost = steps.filter(({ state }) => state === "unreachable").length;
  if (steps.length > 0 && armed + lost === steps.length) return;
  const only = armed === 0 ? "" : "only ";
  throw new VerificationError(`${only}${armed} of ${steps.length} are armed`, {
    hint:
      steps.length === 0
        ? "kbreak apply arms something"
        : "kbreak undo, then kbreak apply again, arms everything anew",
  });
}

const isArmed = (step: StepStatus) => step.state === "in effect" && ["seen", "none"].includes(step.symptom);

/** The nodes with a step in this state. */
const nodesThatAre = (wanted: StepStatus["state"], states: readonly RunState[]) => [
  ...new Set(
    states.flatMap(({ steps }) => steps.flatMap(({ state, target }) => (state === wanted ? [target] : []))),
  ),
];

/** @throws EnrolmentError that names the nodes that are no longer those of their run; why, each has been told. */
function refuseReplaced(states: readonly RunState[]): void {
  const replaced = nodesThatAre("replaced", states);
  if (replaced.length === 0) return;
  const runs = states.filter(({ steps }) => steps.some(({ state }) => state === "replaced"));
  throw new EnrolmentError(`no longer what was broken: ${replaced.join(", ")}`, {
    hint: `nothing can be undone there; ${runs.map(({ run }) => `kbreak undo ${run} --forget`).join(" and ")} closes the run`,
  });
}

/** @throws ConnectError that names the nodes that could not be looked at. */
function refuseUnreachable(states: readonly RunState[]): void {
  const lost = nodesThatAre("unreachable", states);
  if (lost.length === 0) return;
  throw new ConnectError(`not reached: ${lost.join(", ")}`, {
    hint: "kbreak doctor tells how the nodes are; what is broken there is still in the undo log",
  });
}

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

const withoutSpoilers = ({ run, status, at, steps, goals, ttl }: RunState) => ({
  run,
  status,
  at,
  inEffect: steps.filter(({ state }) => state === "in effect").length,
  steps: steps.length,
  goalMet: goals.every(({ met }) => met),
  ...(ttl === undefined ? {} : { ttl }),
});

async function watch(runs: readonly Run[], flags: Flags, context: Context): Promise<void> {
  const [{ statesOf }, { recordChanges }, { renderStates }, { createLogUpdate }] = await Promise.all([
    import("./choose-run.ts"),
    import("../engine/watch.ts"),
    import("../render/status.ts"),
    import("log-update"),
  ]);
  const live = isMovable(process.stdout) ? createLogUpdate(process.stdout) : undefined;
  let seen = new Map<string, string>();
  while (!context.signal.aborted) {
    const states = await statesOf(runs, context, flags);
    seen = recordChanges(context.dataFolder, states, seen);
    const text = renderStates(states, flags.spoilers === "yes");
    if (live) live(text);
    else print(text);
    if (states.every(({ steps }) => steps.every(({ state }) => state !== "in effect" && state !== "drifted")))
      break;
    await pause(2000, context.signal);
  }
}

/** Waits so many milliseconds, or until `signal`. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
