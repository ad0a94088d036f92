import { createTwoFilesPatch } from "diff";
import type { Plan, TargetPlan } from "../engine/plan.ts";
import type { StepPlan } from "../engine/plan-step.ts";
import type { Preview } from "../operations/operation.ts";
import type { Playbook } from "../playbook/types.ts";
import { type Colours, coloursFor } from "./colours.ts";
import { label, masked } from "./mask.ts";
import { numbered } from "./numbered.ts";
import { strangers } from "./strangers.ts";

/** A plan for people: per node and step what would change, texts as a diff, secrets hidden. */
export function renderPlan(plan: Plan, spoilers: boolean, colours = coloursFor(process.stdout)): string {
  const parts = plan.targets.map((target) =>
    spoilers ? renderTarget(target, colours) : summarise(target, colours),
  );
  const unreachable = plan.unreachable.map(({ node, error }) => `${node.name}: left out: ${error.message}`);
  const steps = plan.targets.reduce((sum, target) => sum + target.steps.length, 0);
  const total = `Plan: ${steps} ${steps === 1 ? "break" : "breaks"} on ${plan.targets.length} ${plan.targets.length === 1 ? "node" : "nodes"}.`;
  const head = renderHead(plan.playbook, spoilers, colours);
  return [...head, ...parts, ...unreachable, colours.bold(total)].join("\n\n");
}

/** What a playbook says of itself. Without spoilers only what betrays nothing: how hard it is and how long it plays. */
function renderHead(playbook: Playbook, spoilers: boolean, colours: Colours): readonly string[] {
  const { name, description, difficulty, length, hints } = playbook;
  const measure = [difficulty, length].filter((word) => word !== undefined).join(", ");
  if (!spoilers) return measure === "" ? [] : [`${measure}, ${hints.length} hints`];
  // A single break has neither: its name is shown with its steps.
  if (measure === "" && description === "" && hints.length === 0) return [];
  const title = `${colours.bold(label(name))}${measure === "" ? "" : ` (${measure})`}`;
  const text = description === "" ? [] : [label(description)];
  return [[title, ...text, ...numbered("hints", hints)].join("\n")];
}

function summarise({ node, steps, skipped }: TargetPlan, colours: Colours): string {
  return `${colours.bold(node.name)}: ${steps.length} to apply${skipped.length > 0 ? `, ${skipped.length} cannot run here` : ""}`;
}

function renderTarget({ node, steps, skipped }: TargetPlan, colours: Colours): string {
  return [
    colours.bold(node.name),
    ...steps.map((step) => renderStep(step, colours)),
    ...skipped.map(
      ({ title, reason }) => `  ${colours.yellow("-")} ${label(title)}: left out: ${label(reason)}`,
    ),
  ].join("\n");
}

function renderStep(step: StepPlan, colours: Colours): string {
  const dangers = step.break?.dangers?.length ? colours.red(` [${step.break.dangers.join(", ")}]`) : "";
  return [
    `  ${colours.red("!")} ${label(step.title)}${dangers}`,
    ...step.previews.map((preview) => renderPreview(preview, colours)),
  ].join("\n");
}

function renderPreview({ line, before, after }: Preview, colours: Colours): string {
  const title = `      ${label(line)}`;
  if (before === undefined || after === undefined) return title;
  const patch = createTwoFilesPatch("now", "then", masked(before), masked(after), undefined, undefined, {
    context: 1,
  });
  const body = patch
    .split("\n")
    .slice(4)
    .filter((text) => text !== "" && !text.startsWith("\\"))
    .map(
      (text) => `        ${coloured(text, colours)}${text.startsWith("+") ? strangers(text, colours) : ""}`,
    );
  return [title, ...body].join("\n");
}

function coloured(line: string, colours: Colours): string {
  if (line.startsWith("+")) return colours.green(line);
  return line.startsWith("-") ? colours.red(line) : colours.dim(line);
}

/** A plan as data, without contents; without spoilers only how many breaks each node gets. */
export function planData(plan: Plan, spoilers: boolean) {
  const unreachable = plan.unreachable.map(({ node, error }) => ({ name: node.name, reason: error.message }));
  if (!spoilers) {
    const targets = plan.targets.map(({ node, steps, skipped }) => ({
      name: node.name,
      steps: steps.length,
      skipped: skipped.length,
    }));
    return { difficulty: plan.playbook.difficulty, length: plan.playbook.length, targets, unreachable };
  }
  return {
    playbook: plan.playbook.name,
    description: plan.playbook.description,
    difficulty: plan.playbook.difficulty,
    length: plan.playbook.length,
    hints: plan.playbook.hints,
    targets: plan.targets.map(({ node, facts, steps, skipped }) => ({
      name: node.name,
      distribution: facts.distribution.name,
      kernel: facts.kernel,
      steps: steps.map(({ index, title, break: found, previews }) => ({
        index,
        title,
        break: found?.id ?? null,
        dangers: found?.dangers ?? [],
        reboot: found?.reboot ?? null,
        changes: previews.map(({ line }) => masked(line)),
      })),
      skipped: skipped.map((step) => ({ ...step, reason: masked(step.reason) })),
    })),
    unreachable,
  };
}
