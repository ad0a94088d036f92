import type { Command } from "commander";
import type { Break } from "../catalogue/break.ts";
import { UsageError } from "../errors.ts";
import { outputOption, print, printJson, spoilersOption } from "./options.ts";

/** Adds `kbreak breaks list|show`. */
export function register(program: Command): void {
  const breaks = program
    .command("breaks")
    .description("What kbreak knows to break")
    .addHelpText("after", "\nExamples:\n  kbreak breaks list\n  kbreak breaks show files/immutable\n");
  breaks
    .command("list")
    .description("List all breaks")
    .addOption(outputOption("table", "json", "name"))
    .addHelpText("after", "\nExamples:\n  kbreak breaks list\n  kbreak breaks list -o name\n")
    .action(list);
  breaks
    .command("show")
    .description("Explain one: what it does, its parameters, hints, how to find and fix it")
    .argument("<break>", "its id, such as files/immutable")
    .addOption(spoilersOption())
    .addOption(outputOption("table", "json"))
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak breaks show files/immutable\n  kbreak breaks show files/immutable --spoilers no    for the fixer\n",
    )
    .action(show);
}

async function list({ output }: { readonly output: "table" | "json" | "name" }): Promise<void> {
  const { breakIds, loadCatalogue } = await import("../catalogue/catalogue.ts");
  if (output === "name") {
    print(breakIds().join("\n"));
    return;
  }
  const all = [...(await loadCatalogue()).breaks.values()];
  if (output === "json") {
    printJson(all.map(dataOf));
    return;
  }
  const { columns } = await import("../render/columns.ts");
  print(
    columns([
      ["BREAK", "DIFFICULTY", "REBOOT", "TITLE"],
      ...all.map(({ id, difficulty, reboot, title }) => [id, difficulty, reboot, title]),
    ]),
  );
}

async function show(
  id: string,
  { output, spoilers }: { readonly output: "table" | "json"; readonly spoilers: "yes" | "no" },
): Promise<void> {
  const [{ loadCatalogue }, { didYouMean }] = await Promise.all([
    import("../catalogue/catalogue.ts"),
    import("../schema.ts"),
  ]);
  const { breaks } = await loadCatalogue();
  const found = breaks.get(id);
  if (found === undefined)
    throw new UsageError(`unknown break \`${id}\`${didYouMean(id, breaks.keys())}`, {
      hint: "kbreak breaks list shows all",
    });
  if (output === "json") {
    printJson(dataOf(found));
    return;
  }
  const { renderBreak } = await import("../render/break.ts");
  print(renderBreak(found, spoilers === "yes"));
}

/** All of a break that is data. */
function dataOf(found: Break) {
  const { file: _file, ...rest } = found;
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => typeof value !== "function"));
}
