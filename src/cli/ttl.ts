import { type Command, InvalidArgumentError } from "commander";
import { parseDuration } from "./duration.ts";
import { forksOption, outputOption, print, printJson } from "./options.ts";

interface Flags {
  readonly forks: number;
  readonly output: "table" | "json";
}

const examples = `
Examples:
  kbreak ttl 90m            each node of the open run undoes it in 90 minutes, by itself
  kbreak ttl off            not by itself any more
  kbreak ttl 2h 20260301-2015
`;

/** Adds `kbreak ttl`. */
export function register(program: Command): void {
  program
    .command("ttl")
    .description("Change when a run is undone by its nodes themselves")
    .argument("<duration|off>", "from now on, such as 90m, 2h or 1h30m; off: never", time)
    .argument("[run]", "the run; without it: the only open one")
    .addOption(forksOption())
    .addOption(outputOption("table", "json"))
    .addHelpText("after", examples)
    .action(ttlCommand);
}

/** Commander hands the parsed value on, and `undefined` would be an argument that was not given. */
type Time = number | "off";

function time(text: string): Time {
  if (text === "off") return "off";
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new InvalidArgumentError(`${error.message} Or \`off\`.`);
  }
}

async function ttlCommand(wanted: Time, id: string | undefined, flags: Flags): Promise<void> {
  const [{ dataFolder }, { openRuns }, { accessOf, prepareContext }, { changeTtl }, { duration }] =
    await Promise.all([
      import("../lab/folders.ts"),
      import("./choose-run.ts"),
      import("./prepare.ts"),
      import("../engine/ttl-run.ts"),
      import("../render/duration.ts"),
    ]);
  const { runs } = await openRuns(dataFolder(), id, false, "no");
  const [run] = runs;
  if (run === undefined) {
    process.stderr.write("nothing is broken: there is no open run\n");
    return;
  }
  const seconds = wanted === "off" ? undefined : wanted;
  const { context, progress, close } = await prepareContext({ ...flags, spoilers: "no" }, "");
  try {
    const access = (opened: { readonly started: { readonly inventory: string } }) =>
      accessOf(opened.started.inventory);
    const results = await changeTtl(run.id, seconds, { access }, context);
    progress.close();
    const failed = results.flatMap(({ error }) => (error === undefined ? [] : [error]));
    if (flags.output === "json")
      printJson(results.map(({ target, error }) => ({ target, error: error?.message ?? null })));
    else if (failed.length < results.length)
      print(
        seconds === undefined
          ? `run ${run.id}: it is not undone by itself`
          : `run ${run.id}: its nodes undo it in ${duration(seconds)}, by themselves`,
      );
    if (failed[0] !== undefined) throw failed[0];
  } finally {
    close();
  }
}
