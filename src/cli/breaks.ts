import { type Command, Option } from "commander";
import type { Break } from "../catalogue/break.ts";
import type { BreakFilter } from "../catalogue/filter.ts";
import { UsageError } from "../errors.ts";
import { register as registerNew } from "./breaks-new.ts";
import { openCatalogue } from "./catalogue.ts";
import { outputOption, print, printJson, spoilersOption } from "./options.ts";

interface ListFlags extends BreakFilter {
  readonly output: "table" | "wide" | "json" | "yaml" | "name";
  readonly spoilers: "yes" | "no";
}

interface ShowFlags {
  readonly output: "table" | "json" | "yaml";
  readonly spoilers: "yes" | "no";
}

const examples = `
Examples:
  kbreak breaks list --layer network,cni
  kbreak breaks show files/immutable
  kbreak breaks new files/my-own --breaks ~/breaks
  kbreak breaks list --breaks ~/breaks               with your own (or KBREAK_BREAKS)
`;

const listExamples = `
Examples:
  kbreak breaks list
  kbreak breaks list --layer files --difficulty hard
  kbreak breaks list --source flanagan -o wide
  kbreak breaks list --needs own-kernel -o name
`;

/** Adds `kbreak breaks list|show|new`. */
export function register(program: Command): void {
  const breaks = program
    .command("breaks")
    .description("What kbreak knows to break")
    .addHelpText("after", examples);
  breaks
    .command("list")
    .description("List all breaks, or those that are asked for")
    .addOption(words("--layer <layers>", "only of these layers, such as files,network"))
    .addOption(words("--difficulty <levels>", "only easy, medium or hard ones"))
    .addOption(words("--source <words>", "only from sources with such a word"))
    .addOption(words("--needs <needs>", "only those that need such a role, program or unit, or own-kernel"))
    .addOption(spoilersOption())
    .addOption(outputOption("table", "wide", "json", "yaml", "name"))
    .addHelpText("after", listExamples)
    .action(list);
  breaks
    .command("show")
    .description("Explain one: what it does, its parameters, hints, how to find and fix it")
    .argument("<break>", "its id, such as files/immutable")
    .addOption(spoilersOption())
    .addOption(outputOption("table", "json", "yaml"))
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak breaks show files/immutable\n  kbreak breaks show files/immutable --spoilers no    for the fixer\n",
    )
    .action(show);
  registerNew(breaks);
}

/** An option that takes words separated by commas, and may be given several times. */
function words(flags: string, description: string): Option {
  return new Option(flags, description).argParser<readonly string[]>((value, before = []) => [
    ...before,
    ...value.split(",").map((word) => word.trim()),
  ]);
}

async function list({ output, spoilers, ...filter }: ListFlags): Promise<void> {
  const { filtered } = await import("../catalogue/filter.ts");
  const found = filtered([...(await openCatalogue()).breaks.values()], filter);
  if (output === "name") {
    print(found.map(({ id }) => id).join("\n"));
    return;
  }
  if (output === "json" || output === "yaml") {
    await printData(await Promise.all(found.map((one) => dataOf(one, spoilers === "yes"))), output);
    return;
  }
  if (found.length === 0) {
    process.stderr.write("no break is like that\n");
    return;
  }
  const { columns } = await import("../render/columns.ts");
  print(columns(await rowsOf(found, output === "wide", spoilers === "yes")));
}

async function rowsOf(
  found: readonly Break[],
  wide: boolean,
  spoilers: boolean,
): Promise<readonly (readonly string[])[]> {
  if (!spoilers) return [["BREAK", "DIFFICULTY"], ...found.map(({ id, difficulty }) => [id, difficulty])];
  const { needsOf } = await import("../catalogue/filter.ts");
  const list = (words: readonly string[] = []) => words.join(",") || "-";
  return [
    ["BREAK", "DIFFICULTY", "REBOOT", ...(wide ? ["NEEDS", "DANGERS", "SOURCE"] : []), "TITLE"],
    ...found.map((one) => [
      one.id,
      one.difficulty,
      one.reboot,
      ...(wide ? [list(needsOf(one)), list(one.dangers), one.source] : []),
      one.title,
    ]),
  ];
}

async function show(id: string, { output, spoilers }: ShowFlags): Promise<void> {
  const { breaks } = await openCatalogue();
  const found = breaks.get(id);
  if (found === undefined) {
    const { didYouMean } = await import("../schema.ts");
    throw new UsageError(`unknown break \`${id}\`${didYouMean(id, breaks.keys())}`, {
      hint: "kbreak breaks list shows all",
    });
  }
  if (output !== "table") {
    await printData(await dataOf(found, spoilers === "yes"), output);
    return;
  }
  const { renderBreak } = await import("../render/break.ts");
  print(renderBreak(found, spoilers === "yes"));
}

async function printData(data: unknown, format: "json" | "yaml"): Promise<void> {
  if (format === "json") printJson(data);
  else print((await import("yaml")).stringify(data));
}

/** All of a break that is data; without spoilers what a fixer may know. */
async function dataOf(found: Break, spoilers: boolean) {
  if (!spoilers) return (await import("../render/break-sections.ts")).harmlessDataOf(found);
  const { file: _file, ...rest } = found;
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => typeof value !== "function"));
}
