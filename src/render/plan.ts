import { createTwoFilesPatch } from "diff";
import pc from "picocolors";
import type { Plan, StepPlan, TargetPlan } from "../engine/plan.ts";
import type { Preview } from "../operations/operation.ts";
import { masked } from "./mask.ts";

/** A plan for people: per node and step what would change, texts as a diff, secrets hidden. */
export function renderPlan(plan: Plan, spoilers: boolean): string {
  const parts = plan.targets.map((target) => (spoilers ? renderTarget(target) : summarise(target)));
  const unreachable = plan.unreachable.map(({ node, error }) => `${node.name}: left out: ${error.message}`);
  const steps = plan.targets.reduce((sum, target) => sum + target.steps.length, 0);
  const total = `Plan: ${steps} ${steps === 1 ? "break" : "breaks"} on ${plan.targets.length} ${plan.targets.length === 1 ? "node" : "nodes"}.`;
  return [...parts, ...unreachable, pc.bold(total)].join("\n\n");
}

function summarise({ node, steps, skipped }: TargetPlan): string {
  return `${pc.bold(node.name)}: ${steps.length} to apply${skipped.length > 0 ? `, ${skipped.length} cannot run here` : ""}`;
}

function renderTarget({ node, steps, skipped }: TargetPlan): string {
  return [
    pc.bold(node.name),
    ...steps.map(renderStep),
    ...skipped.map(({ title, reason }) => `  ${pc.yellow("-")} ${title}: left out: ${reason}`),
  ].join("\n");
}

function renderStep(step: StepPlan): string {
  const dangers = step.break?.dangers?.length ? pc.red(` [${step.break.dangers.join(", ")}]`) : "";
  return [`  ${pc.red("!")} ${step.title}${dangers}`, ...step.previews.map(renderPreview)].join("\n");
}

function renderPreview({ line, before, after }: Preview): string {
  const title = `      ${masked(line)}`;
  if (before === undefined || after === undefined) return title;
  const patch = createTwoFilesPatch("now", "then", masked(before), masked(after), undefined, undefined, {
    context: 1,
  });
  const body = patch
    .split("\n")
    .slice(4)
    .filter((text) => text !== "" && !text.startsWith("\\"))
    .map((text) => `        ${coloured(text)}${strangers(text)}`);
  return [title, ...body].join("\n");
}

function coloured(line: string): string {
  if (line.startsWith("+")) return pc.green(line);
  return line.startsWith("-") ? pc.red(line) : pc.dim(line);
}

/** Characters that cannot be told from ASCII by looking are named. */
function strangers(line: string): string {
  if (!line.startsWith("+")) return "";
  const found = [...new Set(line.match(/[^\p{ASCII}]/gu) ?? [])].map(
    (character) => `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
  return found.length === 0 ? "" : pc.yellow(`   (${found.join(", ")})`);
}

/** A plan as data, without contents. */
export function planData(plan: Plan) {
  return {
    playbook: plan.playbook.name,
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
      skipped,
    })),
    unreachable: plan.unreachable.map(({ node, error }) => ({ name: node.name, reason: error.message })),
  };
}
