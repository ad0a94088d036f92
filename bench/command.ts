import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KbreakError } from "../src/errors.ts";
import { hostEnvironment } from "../src/lab/command.ts";
import { type Measured, measured } from "./statistics.ts";

export interface Measuring {
  /** Aborted by Ctrl-C: the command is ended. */
  readonly signal: AbortSignal;
  /** On top of this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Called with the process's id as soon as it is there. */
  readonly onStart?: (pid: number) => void;
}

/** How a command went. */
export interface Timed {
  readonly seconds: number;
  /** What it printed, on both of its outputs. */
  readonly output: string;
}

/**
 * Runs a command and measures it from its start to its end. Its output goes into a file: a pipe would end only with the
 * connections that ssh leaves behind for the next command.
 * @throws KbreakError when it fails, with the end of its output.
 */
export async function timed(argv: readonly string[], measuring: Measuring): Promise<Timed> {
  const folder = mkdtempSync(join(tmpdir(), "kbreak-bench-out-"));
  const file = join(folder, "output");
  const output = openSync(file, "w", 0o600);
  try {
    const began = performance.now();
    const code = await exitCode(argv, output, measuring);
    const seconds = (performance.now() - began) / 1000;
    const text = readFileSync(file, "utf8");
    measuring.signal.throwIfAborted();
    if (code !== 0)
      throw new KbreakError(
        `${shownCommand(argv)}: ${code}\n${text.trim().split("\n").slice(-5).join("\n")}`,
      );
    return { seconds, output: text };
  } finally {
    closeSync(output);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A command for a person, without the lengths of a list of two hundred names. */
const shownCommand = (argv: readonly string[]) =>
  argv.map((word) => (word.length > 200 ? `${word.slice(0, 20)}…` : word)).join(" ");

function exitCode(argv: readonly string[], output: number, measuring: Measuring): Promise<number | string> {
  const [program = "", ...args] = argv;
  const { signal, environment, onStart } = measuring;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["ignore", output, output],
      env: { ...hostEnvironment(), ...environment },
      signal,
      killSignal: "SIGKILL",
    });
    if (child.pid !== undefined) onStart?.(child.pid);
    // What was interrupted is waited for: nothing may write into a folder that is being removed.
    child.once("error", (error) => child.pid === undefined && reject(error));
    child.once("exit", (code, ended) => resolve(code ?? ended ?? "killed"));
  });
}

/** Something to measure, and what it takes. */
export interface Candidate<Name extends string> {
  readonly name: Name;
  /** Gives what is measured, such as seconds. */
  readonly measure: () => Promise<number>;
}

/**
 * Measures candidates in rounds: each once a round, in turn from the first and from the last, so that none is always
 * behind the same other one. One round before them is not counted: it fills caches.
 * @param patience Seconds that the round before them may take. Default: any. @throws KbreakError when it takes longer.
 */
export async function inRounds<Name extends string>(
  candidates: readonly Candidate<Name>[],
  rounds: number,
  tell: (line: string) => void,
  patience = Number.POSITIVE_INFINITY,
): Promise<ReadonlyMap<Name, Measured>> {
  const samples = new Map<Name, number[]>(candidates.map(({ name }) => [name, []]));
  const began = performance.now();
  for (let round = 0; round <= rounds; round++) {
    const order = round % 2 === 0 ? candidates : candidates.toReversed();
    for (const { name, measure } of order) {
      const sample = await measure();
      if (round > 0) samples.get(name)?.push(sample);
      if (round === 0 && (performance.now() - began) / 1000 > patience)
        throw new KbreakError(`one round takes longer than ${patience} s`);
      tell(`  ${round === 0 ? "warm-up" : `round ${round} of ${rounds}`}: ${name} ${sample.toFixed(2)}`);
    }
  }
  return new Map([...samples].map(([name, all]) => [name, measured(all)]));
}
