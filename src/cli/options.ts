import { resolve } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import { UsageError } from "../errors.ts";

/** `-i FILE`, the same everywhere. */
export const inventoryOption = () =>
  new Option(
    "-i, --inventory <file>",
    "the inventory (default: $KBREAK_INVENTORY, else the practice nodes')",
  );

/** `-i FILE` of the verbs that go by a run. */
export const accessOption = () =>
  new Option("-i, --inventory <file>", "how to reach the nodes, by their names (default: as the run did)");

/** `--mirror DIR`. */
export const mirrorOption = () =>
  new Option(
    "--mirror <folder>",
    "a second data folder for a copy of the undo log, on the disk before each change",
  ).env("KBREAK_MIRROR");

/** The second data folder as an absolute path. @throws UsageError when it is the first. */
export function mirrorFolder(mirror: string | undefined, dataFolder: string): string | undefined {
  if (!mirror) return undefined;
  const folder = resolve(mirror);
  if (folder === dataFolder)
    throw new UsageError(`--mirror ${mirror} is the data folder itself`, {
      hint: "name a folder on another disk or machine",
    });
  return folder;
}

/** `-o FORMAT`. */
export const outputOption = (...formats: readonly string[]) =>
  new Option("-o, --output <format>", "how to print it").choices(formats).default(formats[0]);

/** `--spoilers no`: says how many, not what. */
export const spoilersOption = () =>
  new Option("--spoilers <yes|no>", "no: says how many are in effect, not what they are")
    .choices(["yes", "no"])
    .default("yes");

/** `--forget`: one run, and nothing is done but that. */
export const forgetOption = () =>
  new Option(
    "--forget",
    "close a run that cannot be undone, as its nodes are others now; touches nothing",
  ).conflicts(["all", "exact", "plan"]);

/** `-f NUMBER`. */
export const forksOption = () =>
  new Option("-f, --forks <number>", "how many nodes to work on side by side").default(50).argParser(forks);

function forks(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError("A number from 1 to 9999 is wanted.");
  return Number(text);
}

/** `--confirm SECONDS`. */
export const confirmOption = () =>
  new Option(
    "--confirm <seconds>",
    "what cuts the way to a node is put back by the node itself, unless a new connection works within so long",
  )
    .default(30)
    .argParser((text) => {
      if (/^\d{1,4}$/.test(text) && Number(text) >= 5 && Number(text) <= 3600) return Number(text);
      throw new InvalidArgumentError("A number of seconds from 5 to 3600 is wanted.");
    });

/** Collects an option that may be given several times. */
export const several = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** Whether a person can be asked. */
export const isInteractive = () => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** Whether lines can be drawn anew. A terminal that was never told its size has no room for any. */
export const isMovable = (stream: NodeJS.WriteStream) => stream.isTTY === true && stream.rows > 0;

/** Prints data, with a line's end; nothing at all for no data. */
export function print(text: string): void {
  if (text !== "") process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

export const printJson = (data: unknown) => print(JSON.stringify(data, undefined, 2));
