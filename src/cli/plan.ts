import type { Command } from "commander";
import { InterruptedError } from "../errors.ts";
import {
  forksOption,
  inventoryOption,
  outputOption,
  print,
  printJson,
  several,
  spoilersOption,
} from "./options.ts";
import type { PlanFlags } from "./prepare.ts";

interface Flags extends PlanFlags {
  readonly detailedExitcode?: boolean;
  readonly output: "table" | "json";
}

/** Adds `kbreak plan`. */
export function register(program: Command): void {
  program
    .command("plan")
    .description("Show what apply would change; reads only")
    .argument("<playbook|break>", "path of a playbook, or id of a break")
    .addOption(inventoryOption())
    .option("-l, --limit <selection>", "only these nodes")
    .option("-p, --param <name=value>", "a parameter of the break; may be given several times", several, [])
    .option("--detailed-exitcode", "end with 2 when something would change")
    .addOption(forksOption())
    .addOption(spoilersOption())
    .addOption(outputOption("table", "json"))
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak plan playbooks/first-light.yaml\n  kbreak plan files/immutable --detailed-exitcode\n",
    )
    .action(planCommand);
}

async function planCommand(what: string, flags: Flags): Promise<void> {
  const { prepareContext, prepareRequest } = await import("./prepare.ts");
  const [{ plan, unreachableError }, { planData, renderPlan }] = await Promise.all([
    import("../engine/plan.ts"),
    import("../render/plan.ts"),
  ]);
  const request = await prepareRequest(what, flags);
  const { context, close } = await prepareContext(flags, "interrupted");
  const planned = await plan(request, context).finally(close);
  await Promise.all(planned.targets.map(({ session }) => session.close()));
  if (context.signal.aborted) throw new InterruptedError("interrupted; nothing was changed");
  const spoilers = flags.spoilers === "yes";
  if (flags.output === "json") printJson(planData(planned, spoilers));
  else print(renderPlan(planned, spoilers));
  const lost = unreachableError(planned.unreachable);
  if (lost !== undefined) throw lost;
  if (flags.detailedExitcode && planned.targets.some(({ steps }) => steps.length > 0)) process.exitCode = 2;
}
