import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import type { Logged } from "../engine/undo-log.ts";
import { KbreakError, messageOf, UsageError } from "../errors.ts";
import type { Operation } from "../operations/operation.ts";
import { writePrivate } from "../private-files.ts";
import { outputOption, print, printJson } from "./options.ts";

const examples = `
Examples:
  kbreak runs list
  kbreak runs show 20260301-201500-a1b2
`;

/** Adds `kbreak runs list|show|export|import`. */
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
  runs
    .command("export")
    .description("Write a run into one file for another operator, or as scripts that undo it without kbreak")
    .argument("<run>", "its id, or the beginning of it")
    .argument("[file]", "where to; a folder for the scripts of several nodes; without it: standard output")
    .addOption(
      new Option("--format <format>", "sh: a script for each node, to be run there as root")
        .choices(["run", "sh"])
        .default("run"),
    )
    .option("--node <name>", "only this node's script")
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak runs export 20260301-201500-a1b2 for-ann.json\n  kbreak runs export 20260301-201500-a1b2 --format sh scripts/\n  kbreak runs export 20260301-201500-a1b2 --format sh --node cp1 | ssh root@cp1 sh -s\n",
    )
    .action(exportCommand);
  runs
    .command("import")
    .description("Take in a run that was exported elsewhere: status and undo work with it then")
    .argument("<file>", "what kbreak runs export wrote")
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak runs import for-ann.json\n  kbreak undo 20260301-201500-a1b2 -i my-inventory.yaml\n",
    )
    .action(importCommand);
}

interface ExportFlags {
  readonly format: "run" | "sh";
  readonly node?: string;
}

async function exportCommand(
  id: string,
  file: string | undefined,
  { format, node }: ExportFlags,
): Promise<void> {
  const [{ exportRun, exportScripts }, { dataFolder }, { kindOf }, { label }] = await Promise.all([
    import("../engine/transfer.ts"),
    import("../lab/folders.ts"),
    import("../operations/index.ts"),
    import("../render/mask.ts"),
  ]);
  const warn = () =>
    process.stderr.write(
      "It holds what was there before, private keys too: keep it as secret as the undo log, and delete it when it has served.\n",
    );
  if (format === "run") {
    if (node !== undefined) throw new UsageError("--node is for --format sh: a run is moved as a whole");
    write(file, exportRun(dataFolder(), id));
    warn();
    return;
  }
  const title = (spec: Operation) => label(kindOf(spec).title(spec));
  const { scripts, damage } = exportScripts(dataFolder(), id, node, title);
  const [only] = scripts.values();
  if (file !== undefined && node === undefined) await writeAll(file, scripts);
  else if (only !== undefined && scripts.size === 1) write(file, only);
  else
    throw new UsageError(`run ${id} has a script for each of ${[...scripts.keys()].join(", ")}`, {
      hint: "name one with --node, or a folder for all",
    });
  warn();
  if (damage !== undefined) throw damage;
}

async function writeAll(folder: string, scripts: ReadonlyMap<string, string>): Promise<void> {
  const { makePrivateFolder } = await import("../private-files.ts");
  makePrivateFolder(folder);
  for (const [name, script] of scripts) {
    // Names of nodes are from the log, which may be somebody else's.
    if (!/^[\w.-]+$/.test(name) || name.startsWith("."))
      throw new KbreakError(`${JSON.stringify(name)} is no name for a file; use --node`);
    write(join(folder, `${name}.sh`), script);
    print(join(folder, `${name}.sh`));
  }
}

/** Writes a new file for its owner only, or to standard output. @throws KbreakError */
function write(file: string | undefined, text: string): void {
  if (file === undefined) {
    print(text);
    return;
  }
  try {
    writePrivate(file, Buffer.from(text));
  } catch (error) {
    throw new KbreakError(`${file} cannot be written: ${messageOf(error)}`, {
      cause: error,
      hint: "name a file that is not there yet",
    });
  }
}

async function importCommand(file: string): Promise<void> {
  const [{ importRun }, { dataFolder }] = await Promise.all([
    import("../engine/transfer.ts"),
    import("../lab/folders.ts"),
  ]);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new KbreakError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const run = importRun(dataFolder(), text, file);
  print(run);
  process.stderr.write(`Next: kbreak status ${run} -i INVENTORY, kbreak undo ${run} -i INVENTORY\n`);
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
  if (record.type === "ttl")
    return record.seconds === undefined
      ? "it is not undone by itself any more"
      : `undone by the node itself after ${record.seconds} s`;
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
