import type { Command } from "commander";
import type { ApplyResult } from "../engine/apply.ts";
import type { Plan } from "../engine/plan.ts";
import { UsageError } from "../errors.ts";
import {
  forksOption,
  inventoryOption,
  isInteractive,
  outputOption,
  print,
  printJson,
  several,
  spoilersOption,
} from "./options.ts";
import type { PlanFlags } from "./prepare.ts";

interface ApplyFlags extends PlanFlags {
  readonly yes?: boolean;
  readonly verify: boolean;
  readonly keep?: boolean;
  readonly output: "table" | "json" | "name";
}

const examples = `
Examples:
  kbreak apply playbooks/first-light.yaml
  kbreak apply files/immutable --limit cp1 --param path=/etc/kubernetes/admin.conf
  kbreak apply network/latency --param delay=500 --yes --spoilers no
`;

/** Adds `kbreak apply`. */
export function register(program: Command): void {
  program
    .command("apply")
    .description("Break: apply a playbook or one break, and prove it")
    .argument("<playbook|break>", "path of a playbook, or id of a break")
    .addOption(inventoryOption())
    .option("-l, --limit <selection>", "only these nodes, such as cp1 or worker,!w3")
    .option("-p, --param <name=value>", "a parameter of the break; may be given several times", several, [])
    .option("-y, --yes", "do not ask")
    .option("--no-verify", "do not wait for effect and symptom")
    .option("--keep", "after a failure or Ctrl-C leave what was applied, instead of undoing it")
    .addOption(forksOption())
    .addOption(spoilersOption())
    .addOption(outputOption("table", "json", "name"))
    .addHelpText("after", examples)
    .action(applyCommand);
}

async function applyCommand(what: string, flags: ApplyFlags): Promise<void> {
  const { prepareContext, prepareRequest } = await import("./prepare.ts");
  const [{ plan }, { apply, errorOf }] = await Promise.all([
    import("../engine/plan.ts"),
    import("../engine/apply.ts"),
  ]);
  if (!flags.yes && !isInteractive())
    throw new UsageError("there is no terminal to ask on, and --yes was not given", {
      hint: "look at it first with kbreak plan, then add --yes",
    });
  const request = await enrolled(await prepareRequest(what, flags), flags);
  const { context, progress } = await prepareContext(request.inventory, flags);
  const planned = await plan(request, context);
  try {
    progress.close();
    await confirm(planned, flags);
    const result = await apply(planned, { verify: flags.verify, keep: flags.keep === true }, context);
    progress.close();
    if (flags.output === "json")
      printJson({
        run: result.run,
        targets: result.targets.map(({ target, error, undone }) => ({
          target,
          error: error?.message ?? null,
          undone: undone?.complete ?? null,
        })),
        interrupted: result.interrupted,
      });
    else if (flags.output === "name") print(result.run);
    else print(summary(planned, result));
    const error = errorOf(planned, result);
    if (error !== undefined) throw error;
  } finally {
    await Promise.all(planned.targets.map(({ session }) => session.close()));
  }
}

function summary(plan: Plan, { run, targets, interrupted }: ApplyResult): string {
  const broken = new Set(plan.targets.filter(({ steps }) => steps.length > 0).map(({ node }) => node.name));
  const meant = broken.size + plan.unreachable.length;
  const whole = interrupted
    ? 0
    : targets.filter(({ target, error }) => broken.has(target) && error === undefined).length;
  const standing = targets.some(({ undone }) => undone?.complete !== true);
  const head = `${plan.playbook.name}: applied on ${whole} of ${meant} nodes (run ${run})`;
  return standing ? `${head}\nTo put everything back: kbreak undo ${run}` : `${head}; everything was undone`;
}

/** On a terminal, nodes that are not enrolled yet may be enrolled now; without one that is an error of the plan. */
async function enrolled(
  request: Awaited<ReturnType<typeof import("./prepare.ts").prepareRequest>>,
  flags: ApplyFlags,
) {
  if (!isInteractive()) return request;
  const { select } = await import("../inventory/select.ts");
  const nodes = new Set(request.playbook.steps.flatMap((step) => select(request.inventory, step.targets)));
  const chosen =
    request.limit === undefined
      ? [...nodes]
      : select(request.inventory, request.limit).filter((node) => nodes.has(node));
  const strangers = chosen.filter(({ name }) => request.enrolment.nodes[name] === undefined);
  if (strangers.length === 0 || flags.yes) return request;
  const { enrol } = await import("./enrol.ts");
  return { ...request, enrolment: await enrol(request.inventory, strangers, { yes: false, replace: [] }) };
}

async function confirm(plan: Plan, flags: ApplyFlags): Promise<void> {
  const { renderPlan } = await import("../render/plan.ts");
  process.stderr.write(`${renderPlan(plan, flags.spoilers === "yes")}\n\n`);
  if (flags.yes) return;
  const { confirm, isCancel } = await import("@clack/prompts");
  const answer = await confirm({
    message: `Break ${plan.targets.length} node(s) of the lab ${plan.inventory.name}?`,
    initialValue: false,
  });
  if (isCancel(answer) || !answer) throw new UsageError("nothing was changed");
}
