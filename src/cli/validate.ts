import type { Command } from "commander";
import { ConfigError, type Problem } from "../errors.ts";
import type { Known } from "../playbook/known.ts";
import { outputOption, print, printJson } from "./options.ts";

interface Options {
  readonly output: "text" | "json";
}

interface Verdict {
  readonly file: string;
  readonly kind: "playbook" | "inventory" | "unknown";
  readonly problems: readonly Problem[];
}

/** Adds `kbreak validate FILE…`. */
export function register(program: Command): void {
  program
    .command("validate <file...>")
    .description("Check playbooks and inventories: all mistakes at once, as file:line:column")
    .addOption(outputOption("text", "json"))
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak validate playbooks/*.yaml\n  kbreak validate lab.yaml -o json\n",
    )
    .action(validate);
}

async function validate(files: readonly string[], options: Options): Promise<void> {
  const { kinds } = await import("../operations/index.ts");
  const { loadCatalogue } = await import("../catalogue/catalogue.ts");
  const known: Known = { breaks: (await loadCatalogue()).breaks, operations: kinds };
  const verdicts = await Promise.all(files.map((file) => verdictOn(file, known)));
  if (verdicts.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
  if (options.output === "json") {
    printJson(verdicts);
    return;
  }
  for (const { file, kind, problems } of verdicts) {
    if (problems.length === 0) print(`${file}: a valid ${kind}`);
    for (const { line, column, message } of problems) {
      process.stderr.write(`${file}:${line}:${column}: ${message}\n`);
    }
  }
}

/** What a file is shows in its content: only an inventory has `nodes`. */
async function verdictOn(file: string, known: Known): Promise<Verdict> {
  const { readYaml } = await import("../yaml.ts");
  const { isRecord } = await import("../schema.ts");
  const { inventoryOf } = await import("../inventory/load.ts");
  const { playbookFrom } = await import("../playbook/load.ts");
  const document = await problemsOf(() => readYaml(file));
  if (!("value" in document)) return { file, kind: "unknown", problems: document.problems };
  const isInventory = isRecord(document.value.value) && Object.hasOwn(document.value.value, "nodes");
  const kind = isInventory ? "inventory" : "playbook";
  const { problems } = await problemsOf<unknown>(() =>
    isInventory ? inventoryOf(document.value) : playbookFrom(document.value, known),
  );
  return { file, kind, problems };
}

type Tried<T> =
  | { readonly problems: readonly Problem[] }
  | { readonly problems: readonly Problem[]; readonly value: T };

async function problemsOf<T>(read: () => Promise<T>): Promise<Tried<T>> {
  try {
    return { problems: [], value: await read() };
  } catch (error) {
    if (error instanceof ConfigError) return { problems: error.problems };
    throw error;
  }
}
