import type { RunState, StepStatus } from "../engine/status.ts";
import { type Colours, coloursFor } from "./colours.ts";
import { columns } from "./columns.ts";
import { duration } from "./duration.ts";
import { label } from "./mask.ts";
import { numbered } from "./numbered.ts";

const colourOf = {
  "in effect": "red",
  fixed: "green",
  "fixed differently": "green",
  drifted: "yellow",
  undone: "dim",
  unreachable: "yellow",
  replaced: "yellow",
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
  const goals = state.goals.length === 0 ? [] : [goalLine(state, colours)];
  const times = timeLines(state);
  if (!spoilers) return [head, ...goals, ...times].join("\n");
  const rows = state.steps.map((step) => [
    step.target,
    label(step.title),
    colours[colourOf[step.state]](step.state),
    step.symptom,
  ]);
  const steps = columns([["NODE", "BREAK", "STATE", "SYMPTOM"], ...rows]).trimEnd();
  const hints = numbered("hints", state.hints);
  return [head, steps, ...goals, ...goalTable(state, colours), ...times, ...hints].join("\n");
}

/** When the nodes undo the run by themselves. */
function timeLines({ ttl = [] }: RunState): readonly string[] {
  const times = ttl.flatMap(({ left }) => (left === null ? [] : [left]));
  const over = ttl.filter(({ left }) => left === null).map(({ target }) => target);
  return [
    ...(times.length === 0 ? [] : [`undone by the nodes themselves in ${duration(Math.min(...times))}`]),
    ...(over.length === 0 ? [] : [`its time has come on ${over.join(", ")}: kbreak undo ends the run`]),
  ];
}

function goalLine({ goals }: RunState, colours: Colours): string {
  const met = goals.filter((goal) => goal.met).length;
  if (met === goals.length) return colours.green("goal met");
  return colours.red(goals.length === 1 ? "goal not met" : `goal not met: ${met} of ${goals.length} hold`);
}

/** `-` in the place of a node: asked from here. */
function goalTable({ goals }: RunState, colours: Colours): readonly string[] {
  if (goals.length === 0) return [];
  const rows = goals.map(({ name, target, met, detail }) => [
    target ?? "-",
    label(name),
    met ? colours.green("met") : colours.red("not met"),
    label(detail),
  ]);
  return [columns([["NODE", "GOAL", "STATE", "WHY"], ...rows]).trimEnd()];
}
