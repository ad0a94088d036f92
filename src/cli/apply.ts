import type { Command } from "commander";
import type { ApplyResult } from "../engine/apply.ts";
import type { Plan } from "../engine/plan.ts";
import { InterruptedError, UsageError } from "../errors.ts";
import { confirm } from "./confirm.ts";
import { parseDuration } from "./duration.ts";
import {
  confirmOption,
  forksOption,
  inventoryOption,
  isInteractive,
  mirrorFolder,
  mirrorOption,
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
  readonly mirror?: string;
  readonly confirm: number;
  readonly ttl?: number;
  readonly output: "table" | "json" | "name";
}

const examples = `
Examples:
  kbreak apply playbooks/first-light.yaml
  kbreak apply files/immutable --limit cp1 --param path=/etc/kubernetes/admin.conf
  kbreak apply playbooks/first-light.yaml --ttl 2h
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
    .addOption(confirmOption())
    .option("--ttl <duration>", "each node undoes it by itself then, such as 2h, 90m", parseDuration)
    .option("--no-verify", "do not wait for effect and symptom")
    .addOption(mirrorOption())
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
  const { context, progress, close } = await prepareContext(flags);
  try {
    const mirror = mirrorFolder(flags.mirror, context.dataFolder);
    const planned = await plan({ ...request, lasting: flags.ttl !== undefined }, context);
    try {
      progress.close();
      if (context.signal.aborted) throw new InterruptedError("interrupted; nothing was changed");
      if (planned.targets.some(({ steps }) => steps.length > 0)) await confirmPlan(planned, flags);
      const options = {
        ...{ verify: flags.verify, keep: flags.keep === true, confirm: flags.confirm },
        ...(flags.ttl === undefined ? {} : { ttl: flags.ttl }),
        ...(mirror === undefined ? {} : { mirror }),
      };
      const result = await apply(planned, options, context);
      progress.close();
      show(planned, result, flags);
      const error = errorOf(planned, result);
      if (error !== undefined) throw error;
    } finally {
      await Promise.all(planned.targets.map(({ session }) => session.close()));
    }
  } finally {
    close();
  }
}

function show(plan: Plan, result: ApplyResult, { output, spoilers }: ApplyFlags): void {
  if (output === "json") printJson(resultData(plan, result, spoilers === "yes"));
  else if (output === "name") print(result.run);
  else print(summary(plan, result, spoilers === "yes"));
}

const resultData = (plan: Plan, { run, targets, interrupted }: ApplyResult, spoilers: boolean) => ({
  run,
  targets: targets.map(({ target, error, undone }) => ({
    target,
    error: error === undefined ? null : spoilers ? error.message : error.code,
    undone: undone?.complete ?? null,
  })),
  unreachable: plan.unreachable.map(({ node, error }) => ({ target: node.name, error: error.message })),
  interrupted,
});

function summary(plan: Plan, { run, targets, interrupted }: ApplyResult, spoilers: boolean): string {
  const whole = interrupted ? 0 : targets.filter(({ error }) => error === undefined).length;
  const standing = targets.some(({ undone }) => undone?.complete !== true);
  const name = spoilers ? `${plan.playbook.name}: ` : "";
  const head = `${name}applied on ${whole} of ${plan.targets.length + plan.unreachable.length} nodes (run ${run})`;
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

/** Shows the plan, and asks unless `--yes` was given. @throws InterruptedError, PreconditionError when the answer is no. */
async function confirmPlan(plan: Plan, flags: ApplyFlags): Promise<void> {
  const [{ renderPlan }, { coloursFor }] = await Promise.all([
    import("../render/plan.ts"),
    import("../render/colours.ts"),
  ]);
  const text = renderPlan(plan, flags.spoilers === "yes", coloursFor(process.stderr));
  process.stderr.write(`${text}\n\n`);
  if (flags.yes) return;
  const nodes = plan.targets.length === 1 ? "1 node" : `${plan.targets.length} nodes`;
  await confirm(`Break ${nodes} of the lab ${plan.inventory.name}?`, "nothing was changed");
}
