import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { KbreakError, messageOf } from "../errors.ts";
import * as apply from "./apply.ts";
import * as breaks from "./breaks.ts";
import * as completion from "./completion.ts";
import * as diff from "./diff.ts";
import * as doctor from "./doctor.ts";
import * as inventory from "./inventory.ts";
import * as lab from "./lab.ts";
import * as overview from "./overview.ts";
import * as plan from "./plan.ts";
import * as runs from "./runs.ts";
import * as status from "./status.ts";
import * as undo from "./undo.ts";
import * as validate from "./validate.ts";

const examples = `Break a Kubernetes lab on purpose, prove that it is broken, and put it back as it was.

Examples:
  kbreak lab up --nodes 2                  two practice nodes, in seconds
  kbreak apply files/immutable             break them; shows the plan and asks first
  kbreak status                            what is in effect, what is fixed
  kbreak undo                              put everything back
  kbreak breaks show files/immutable       what it does, hints, how to find and fix it
`;

/** The verbs of the first screen; \`kbreak help --all\` shows the others too. */
const first: readonly string[] = ["lab", "apply", "status", "undo", "breaks"];

/** EX_USAGE of sysexits.h. */
const USAGE = 64;

function version(): string {
  const manifest = new URL(
    import.meta.url.includes("/dist/") ? "../../../package.json" : "../../package.json",
    import.meta.url,
  );
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

/** The whole command line. */
export function createProgram(all: boolean): Command {
  const program = new Command("kbreak")
    .usage("[command]")
    .version(version())
    .option(
      "--data-dir <folder>",
      "where undo logs and labs are kept (default: $KBREAK_DATA_DIR, else XDG's)",
    )
    .option("--no-color", "no colours; NO_COLOR does the same")
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text) })
    .addHelpText("before", examples)
    .addHelpText("after", all ? "" : "\nMore commands: kbreak help --all");
  for (const verb of [
    lab,
    apply,
    status,
    undo,
    breaks,
    plan,
    runs,
    inventory,
    validate,
    diff,
    doctor,
    completion,
  ])
    verb.register(program);
  overview.register(program);
  program
    .command("help")
    .description("Show help")
    .option("--all", "all commands")
    .argument("[command]")
    .action((name: string | undefined, options: { readonly all?: boolean }) => {
      const found = program.commands.find((command) => command.name() === name);
      (found ?? createProgram(options.all === true)).outputHelp();
    });
  program.configureHelp({
    visibleCommands: (command) =>
      command === program && !all
        ? first.flatMap((name) => program.commands.filter((one) => one.name() === name))
        : command.commands.filter((one) => one.name() !== "help"),
  });
  program.hook("preAction", () => {
    const { dataDir, color } = program.opts<{ dataDir?: string; color: boolean }>();
    if (dataDir !== undefined) process.env.KBREAK_DATA_DIR = dataDir;
    if (!color) process.env.NO_COLOR = "1";
  });
  return program;
}

/** Runs a command line and gives its exit code. Whatever goes wrong is told on standard error. */
export async function run(words: readonly string[]): Promise<number> {
  try {
    process.exitCode = 0;
    await createProgram(words.includes("--all")).parseAsync(words, { from: "user" });
    return Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    report(error);
    return error instanceof KbreakError ? error.exitCode : 1;
  }
}

/** What happened, where, why, and what to type next. */
function report(error: unknown): void {
  const hint = error instanceof KbreakError ? error.hint : undefined;
  process.stderr.write(`error: ${messageOf(error)}\n${hint === undefined ? "" : `hint: ${hint}\n`}`);
  if (!(error instanceof KbreakError) && error instanceof Error && process.env.KBREAK_DEBUG)
    process.stderr.write(`${error.stack}\n`);
}
