import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { KbreakError } from "../errors.ts";
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
import * as ttl from "./ttl.ts";
import * as undo from "./undo.ts";
import { unknownCommand } from "./unknown-command.ts";
import * as validate from "./validate.ts";

const examples = `Break a Kubernetes lab on purpose, prove that it is broken, and put it back as it was.

Examples:
  kbreak lab up --nodes 2                  two practice nodes, in seconds
  kbreak apply files/immutable             break them; shows the plan and asks first
  kbreak status                            what is in effect, what is fixed
  kbreak undo                              put everything back
  kbreak breaks show files/immutable       what it does, hints, how to find and fix it
`;

/** The verbs of the first screen; `kbreak help --all` shows the others too. */
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
    .option("--breaks <folder>", "breaks of your own, <layer>/<name>.ts or .js (default: $KBREAK_BREAKS)")
    .option("--no-color", "no colours; NO_COLOR does the same")
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText("before", examples)
    .addHelpText("after", all ? "" : "\nMore commands: kbreak help --all");
  for (const verb of [
    lab,
    apply,
    status,
    undo,
    ttl,
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
    .argument("[command...]")
    .addHelpText("after", "\nExamples:\n  kbreak help --all\n  kbreak help lab up\n")
    .action((names: readonly string[], options: { readonly all?: boolean }) => {
      const shown = names.reduce(subcommand, options.all === true ? createProgram(true) : program);
      shown.outputHelp();
    });
  program.configureHelp({
    visibleCommands: (command) =>
      command === program && !all
        ? first.flatMap((name) => program.commands.filter((one) => one.name() === name))
        : command.commands.filter((one) => !unlisted.includes(one.name())),
  });
  for (const command of everyCommand(program))
    command.helpCommand(false).showHelpAfterError(`hint: ${pathOf(command)} --help`);
  return program;
}

/** Verbs that the lists of commands leave out. */
const unlisted: readonly string[] = ["help", "complete"];

/** @throws UsageError */
function subcommand(command: Command, name: string): Command {
  const found = command.commands.find((one) => one.name() === name || one.aliases().includes(name));
  if (found === undefined) throw unknownCommand(command, name);
  return found;
}

function everyCommand(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** The words that lead to a command, such as `kbreak lab up`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Takes effect before any verb is loaded. */
function applyGlobalOptions(program: Command): void {
  const { breaks, dataDir, color } = program.opts<{ breaks?: string; dataDir?: string; color: boolean }>();
  if (breaks !== undefined) process.env.KBREAK_BREAKS = breaks;
  if (dataDir !== undefined) process.env.KBREAK_DATA_DIR = dataDir;
  if (!color) process.env.NO_COLOR = "1";
}

/** Runs a command line and gives its exit code. Whatever goes wrong is told on standard error. */
export async function run(words: readonly string[]): Promise<number> {
  let spoilers = true;
  try {
    process.exitCode = 0;
    const program = createProgram(words.includes("--all"));
    program.hook("preAction", (_program, command) => {
      spoilers = command.opts<{ spoilers?: string }>().spoilers !== "no";
      applyGlobalOptions(program);
    });
    await program.parseAsync(words, { from: "user" });
    return Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    const { renderError } = await import("../render/error.ts");
    process.stderr.write(renderError(error, spoilers));
    if (!(error instanceof KbreakError) && error instanceof Error && process.env.KBREAK_DEBUG)
      process.stderr.write(`${error.stack}\n`);
    return error instanceof KbreakError ? error.exitCode : 1;
  }
}
