import type { Command } from "commander";
import { ConfigError, type Problem, UsageError } from "../errors.ts";
import type { Known, KnownBreak } from "../playbook/known.ts";
import type { Playbook } from "../playbook/types.ts";
import { foreignBreaks, openCatalogue } from "./catalogue.ts";
import { outputOption, print, printJson } from "./options.ts";

interface Options {
  readonly output: "text" | "json";
}

interface Verdict {
  readonly file: string;
  readonly kind: "playbook" | "inventory" | "folder of breaks" | "unknown";
  readonly problems: readonly Problem[];
  /** What a sound playbook says of itself, without what it breaks. */
  readonly summary?: string;
}

/** Adds `kbreak validate [FILE…]`. */
export function register(program: Command): void {
  program
    .command("validate [file...]")
    .description(
      "Check playbooks, inventories and your own breaks: all mistakes at once, as file:line:column",
    )
    .addOption(outputOption("text", "json"))
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak validate playbooks/*.yaml\n  kbreak validate lab.yaml -o json\n  kbreak validate --breaks ~/breaks    runs the modules in it\n",
    )
    .action(validate);
}

async function validate(files: readonly string[], options: Options): Promise<void> {
  const folder = foreignBreaks();
  if (files.length === 0 && folder === undefined)
    throw new UsageError("there is nothing to check", {
      hint: "kbreak validate FILE…, or --breaks DIR for your own breaks",
    });
  const { kinds } = await import("../operations/index.ts");
  const { breaks, problems } = await knownBreaks(folder);
  const known: Known = { breaks, operations: kinds };
  const verdicts: readonly Verdict[] = [
    ...(folder === undefined ? [] : [{ file: folder, kind: "folder of breaks", problems } as const]),
    ...(await Promise.all(files.map((file) => verdictOn(file, known)))),
  ];
  if (verdicts.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
  if (options.output === "json") {
    printJson(verdicts);
    return;
  }
  for (const { file, kind, problems, summary } of verdicts) {
    if (problems.length === 0)
      print(`${file}: a valid ${kind}${summary === undefined ? "" : `: ${summary}`}`);
    for (const problem of problems) {
      process.stderr.write(`${problem.file}:${problem.line}:${problem.column}: ${problem.message}\n`);
    }
  }
}

/** All breaks; where some of the user's own are wrong, a playbook may name them all the same, with any parameters. */
async function knownBreaks(folder: string | undefined) {
  const { problems, ...tried } = await problemsOf(openCatalogue);
  if ("value" in tried) return { breaks: tried.value.breaks, problems };
  const { breakIds, loadCatalogue } = await import("../catalogue/catalogue.ts");
  const named = (await breakIds(folder)).map((id): readonly [string, KnownBreak] => [
    id,
    { parameters: true },
  ]);
  return { breaks: new Map([...named, ...(await loadCatalogue()).breaks]), problems };
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
  if (isInventory) {
    const { problems } = await problemsOf(() => inventoryOf(document.value));
    return { file, kind, problems };
  }
  const { problems, ...tried } = await problemsOf(() => playbookFrom(document.value, known));
  return { file, kind, problems, ...("value" in tried ? { summary: summaryOf(tried.value) } : {}) };
}

function summaryOf({ difficulty, length, steps, goal, hints }: Playbook): string {
  const count = (number: number, thing: string) => `${number} ${thing}${number === 1 ? "" : "s"}`;
  const parts = [
    difficulty,
    length,
    count(steps.length, "step"),
    count(goal.length, "goal"),
    count(hints.length, "hint"),
  ];
  return parts.filter((part) => part !== undefined).join(", ");
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
