import type { RunState, StepStatus } from "../engine/status.ts";
import { type Colours, coloursFor } from "./colours.ts";
import { columns } from "./columns.ts";
import { label } from "./mask.ts";

const colourOf = {
  "in effect": "red",
  fixed: "green",
  "fixed differently": "green",
  drifted: "yellow",
  undone: "dim",
  unreachable: "yellow",
  unknown: "yellow",
} as const satisfies Readonly<Record<StepStatus["state"], keyof Colours>>;

/** What is in effect in each run; without spoilers only how much of it. */
export function renderStates(
  states: readonly RunState[],
  spoilers: boolean,
  colours = coloursFor(process.stdout),
): string {
  return states.map((state) => renderState(state, spoilers, colours)).join("\n\n");
}

function renderState(state: RunState, spoilers: boolean, colours: Colours): string {
  const armed = state.steps.filter((step) => step.state === "in effect").length;
  const head = `${colours.bold(spoilers ? label(state.name) : "run")} ${colours.dim(state.run)}: ${armed} of ${state.steps.length} in effect`;
  const goals = state.goals.length === 0 ? [] : [goalLine(state, spoilers, colours)];
  if (!spoilers) return [head, ...goals].join("\n");
  const rows = state.steps.map((step) => [
    step.target,
    label(step.title),
    colours[colourOf[step.state]](step.state),
    step.symptom,
  ]);
  return [head, columns([["NODE", "BREAK", "STATE", "SYMPTOM"], ...rows]).trimEnd(), ...goals].join("\n");
}

function goalLine({ goals }: RunState, spoilers: boolean, colours: Colours): string {
  const unmet = goals.filter(({ met }) => !met);
  if (unmet.length === 0) return colours.green("goal met");
  const names = spoilers
    ? `: ${unmet.map(({ name, target, detail }) => `${label(name)} on ${target} (${label(detail)})`).join(", ")}`
    : "";
  return colours.red(`goal not met${names}`);
}
