import { type Command, Option } from "commander";
import type { NodeReport } from "../engine/examine.ts";
import type { Requirement } from "../lab/requirements.ts";
import { forksOption, outputOption, print, printJson } from "./options.ts";

interface Flags {
  readonly inventory?: string;
  readonly kubernetes?: boolean;
  readonly forks: number;
  readonly output: "table" | "json";
}

/** Exit code when a node could not be reached. */
const UNREACHABLE = 4;

/** Adds `kbreak doctor`. */
export function register(program: Command): void {
  program
    .command("doctor")
    .description("Show what is missing here, or on the nodes of an inventory, and the command that brings it")
    .addOption(new Option("-i, --inventory <file>", "look at these nodes instead of this machine"))
    .addOption(
      new Option("--kubernetes", "what practice nodes with a real Kubernetes need, too").conflicts(
        "inventory",
      ),
    )
    .addOption(forksOption())
    .addOption(outputOption("table", "json"))
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak doctor\n  kbreak doctor --kubernetes\n  kbreak doctor -i lab.yaml\n",
    )
    .action((flags: Flags) => (flags.inventory === undefined ? here(flags) : nodes(flags.inventory, flags)));
}

async function here({ kubernetes = false, output }: Flags): Promise<void> {
  const { alternatives, fixes, labRequirements } = await import("../lab/requirements.ts");
  const { inotifyRequirement } = await import("../lab/host/inotify.ts");
  const { columns } = await import("../render/columns.ts");
  const linux = process.platform === "linux";
  const requirements: readonly Requirement[] = [
    ...labRequirements(["namespace", ...(kubernetes ? (["kubernetes"] as const) : [])]),
    ...(linux ? [inotifyRequirement(2, kubernetes)] : []),
  ];
  const ok = requirements.every(({ met }) => met);
  const commands = fixes(requirements);
  process.exitCode = ok ? 0 : 1;
  if (output === "json") {
    printJson({ ok, requirements, fixes: commands });
    return;
  }
  const rows = requirements.map(({ name, met, detail }) => [name, met ? "ok" : "MISSING", detail]);
  print(columns([["PRACTICE NODES NEED", "STATE", "DETAIL"], ...rows]));
  if (ok) return;
  print(
    `\nTo have practice nodes here:\n${commands.map((line) => `  ${line}\n`).join("")}Or ${alternatives}.\n`,
  );
}

async function nodes(file: string, flags: Flags): Promise<void> {
  const [
    { examine },
    { openCatalogue },
    { loadInventory },
    { readEnrolment },
    { prepareContext },
    { installHints },
  ] = await Promise.all([
    import("../engine/examine.ts"),
    import("./catalogue.ts"),
    import("../inventory/load.ts"),
    import("../inventory/enrolment.ts"),
    import("./prepare.ts"),
    import("./packages.ts"),
  ]);
  const inventory = await loadInventory(file);
  const enrolment = await readEnrolment(inventory);
  const { breaks } = await openCatalogue();
  const { context, close } = await prepareContext({ forks: flags.forks, spoilers: "yes" }, "");
  const reports = await examine(inventory, enrolment, breaks, context).finally(close);
  const fixes = reports.flatMap(installHints);
  process.exitCode = exitCodeOf(reports);
  if (flags.output === "json") {
    printJson({ ok: process.exitCode === 0, nodes: reports, fixes });
    return;
  }
  const [{ columns }, { label }] = await Promise.all([
    import("../render/columns.ts"),
    import("../render/mask.ts"),
  ]);
  const rows = reports.flatMap(({ node, state, detail, breaks: found }) => [
    [node, "-", state === "ready" ? "ok" : state.toUpperCase(), label(detail)],
    ...found.map(({ id, reason }) => [node, id, reason === undefined ? "ok" : "NO", label(reason ?? "")]),
  ]);
  print(columns([["NODE", "BREAK", "STATE", "DETAIL"], ...rows]));
  const next = [...reports.flatMap(({ node, hint }) => (hint ? [`${node}: ${hint}`] : [])), ...fixes];
  if (next.length > 0) print(`\nNext:\n${next.map((line) => `  ${line}\n`).join("")}`);
}

/** A break that cannot be made somewhere is no failure: no node can have them all. */
function exitCodeOf(reports: readonly NodeReport[]): number {
  if (reports.some(({ state }) => state === "refused")) return 1;
  return reports.some(({ state }) => state === "unreachable") ? UNREACHABLE : 0;
}
