import pc from "picocolors";
import type { RunState, StepStatus } from "../engine/status.ts";
import { columns } from "./columns.ts";

const colour: Readonly<Record<StepStatus["state"], (text: string) => string>> = {
  "in effect": pc.red,
  fixed: pc.green,
  "fixed differently": pc.green,
  drifted: pc.yellow,
  undone: pc.dim,
  unreachable: pc.yellow,
  unknown: pc.yellow,
};

/** What is in effect in each run; without spoilers only how much of it. */
export function renderStates(states: readonly RunState[], spoilers: boolean): string {
  return states.map((state) => renderState(state, spoilers)).join("\n\n");
}

function renderState(state: RunState, spoilers: boolean): string {
  const armed = state.steps.filter((step) => step.state === "in effect").length;
  const head = `${pc.bold(spoilers ? state.name : "run")} ${pc.dim(state.run)}: ${armed} of ${state.steps.length} in effect`;
  const goals = state.goals.length === 0 ? [] : [goalLine(state, spoilers)];
  if (!spoilers) return [head, ...goals].join("\n");
  const rows = state.steps.map((step) => [
    step.target,
    step.title,
    colour[step.state](step.state),
    step.symptom,
  ]);
  return [head, columns([["NODE", "BREAK", "STATE", "SYMPTOM"], ...rows]).trimEnd(), ...goals].join("\n");
}

function goalLine({ goals }: RunState, spoilers: boolean): string {
  const unmet = goals.filter(({ met }) => !met);
  if (unmet.length === 0) return pc.green("goal met");
  const names = spoilers
    ? `: ${unmet.map(({ name, target, detail }) => `${name} on ${target} (${detail})`).join(", ")}`
    : "";
  return pc.red(`goal not met${names}`);
}
