import type { Command } from "commander";
import type { Logged } from "../engine/undo-log.ts";
import { outputOption, print, printJson } from "./options.ts";

const examples = `
Examples:
  kbreak runs list
  kbreak runs show 20260301-201500-a1b2
`;

/** Adds `kbreak runs list|show`. */
export function register(program: Command): void {
  const runs = program
    .command("runs")
    .description("The undo logs: what was done when, for people and jq")
    .addHelpText("after", examples);
  runs
    .command("list")
    .description("List all runs, the newest first")
    .addOption(outputOption("table", "json", "name"))
    .addHelpText("after", "\nExamples:\n  kbreak runs list\n  kbreak runs list -o name\n")
    .action(list);
  runs
    .command("show")
    .description("Show the records of one run; pre-images are named by their hash, never printed")
    .argument("<run>", "its id, or the beginning of it")
    .addOption(outputOption("table", "json"))
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak runs show 20260301-201500-a1b2\n  kbreak runs show 20260301-201500-a1b2 -o json | jq '.[] | select(.type == \"intent\")'\n",
    )
    .action(show);
}

async function list({ output }: { readonly output: "table" | "json" | "name" }): Promise<void> {
  const [{ readRuns, touchedTargets }, { dataFolder }] = await Promise.all([
    import("../engine/runs.ts"),
    import("../lab/folders.ts"),
  ]);
  const { runs, damaged } = readRuns(dataFolder());
  const rows = runs.toReversed().map((run) => ({
    run: run.id,
    name: run.started.name,
    status: run.status,
    nodes: touchedTargets(run).map(({ name }) => name),
    lab: run.started.lab,
    at: run.at,
  }));
  if (output === "json") printJson(rows);
  else if (output === "name") print(rows.map(({ run }) => run).join("\n"));
  else {
    const { columns } = await import("../render/columns.ts");
    const cells = rows.map(({ run, name, status, nodes, lab, at }) => [
      run,
      name,
      status,
      nodes.join(","),
      lab,
      at,
    ]);
    print(columns([["RUN", "NAME", "STATUS", "NODES", "LAB", "BEGAN"], ...cells]));
  }
  if (damaged[0] !== undefined) throw damaged[0];
}

async function show(id: string, { output }: { readonly output: "table" | "json" }): Promise<void> {
  const [{ openRun }, { dataFolder }] = await Promise.all([
    import("../engine/runs.ts"),
    import("../lab/folders.ts"),
  ]);
  const log = openRun(dataFolder(), id, { readOnly: true });
  log.close();
  if (output === "json") {
    printJson(log.records.map(withoutScripts));
    return;
  }
  const { columns } = await import("../render/columns.ts");
  const rows = await Promise.all(
    log.records.map(async (record) => [
      String(record.n),
      record.at,
      record.type,
      "target" in record ? record.target : "-",
      await describe(record),
    ]),
  );
  print(columns([["N", "AT", "RECORD", "NODE", "WHAT"], ...rows]));
}

async function describe(record: Logged): Promise<string> {
  const [{ kindOf }, { label }] = await Promise.all([
    import("../operations/index.ts"),
    import("../render/mask.ts"),
  ]);
  if (record.type === "run") return `${record.name} on ${record.targets.map(({ name }) => name).join(", ")}`;
  if (record.type === "intent")
    return label(
      `${record.title}: ${record.operations.map(({ spec }) => kindOf(spec).title(spec)).join("; ")}`,
    );
  if (record.type === "applied") return `step ${record.step + 1}`;
  if (record.type === "switch") return `step ${record.step + 1}: its switch: ${record.answer}`;
  if (record.type === "symptom")
    return `step ${record.step + 1}: ${record.symptom} after ${record.after.toFixed(1)} s`;
  if (record.type === "failed") return label(`step ${record.step + 1}: ${record.message}`);
  if (record.type === "undo") return record.targets.join(", ");
  if (record.type === "folders") return `${Object.keys(record.folders).length} folders`;
  if (record.type === "restored")
    return `step ${record.step + 1}: ${record.operations.map(({ verdict, kept }) => (kept ? `${verdict} (kept)` : verdict)).join(", ")}`;
  if (record.type === "undone") return `${record.kept} kept, ${record.left} left`;
  if (record.type === "observed") return `step ${record.step + 1}: ${record.state}`;
  return record.outcome;
}

/** Specs may hold what a file shall contain, which may be a credential: only what they are about is shown. */
function withoutScripts(record: Logged): unknown {
  if (record.type !== "intent") return record;
  const { symptom, operations, ...rest } = record;
  return {
    ...rest,
    symptom: symptom?.title ?? null,
    operations: operations.map(({ spec, before, token }) => ({
      kind: spec.kind,
      path: "path" in spec ? spec.path : null,
      before,
      token,
    })),
  };
}
