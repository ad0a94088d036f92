import { spawn } from "node:child_process";
import { constants } from "node:os";
import { KbreakError } from "../errors.ts";

export interface Ran {
  /** The exit code, or `undefined` when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** This process's environment. A root shell from `su` has no sbin folders in its PATH, but here live ip and losetup. */
export function hostEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` };
}

export interface RunOptions {
  /** Sent to standard input; default: none. */
  readonly input?: string;
  /** Called with each line of standard error as it comes. */
  readonly onLine?: (line: string) => void;
}

function notStarted(program: string, cause: Error): KbreakError {
  return new KbreakError(`${program} cannot be started: ${cause.message}`, { cause, hint: "kbreak doctor" });
}

/**
 * Runs a program of this host and waits for its end, whatever its exit code. No shell is involved.
 * @throws KbreakError when it cannot be started.
 */
export function attempt(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: hostEnvironment() });
    const stdout: string[] = [];
    const stderr: string[] = [];
    let pending = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => stdout.push(text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr.push(text);
      const whole = (pending + text).split("\n");
      pending = whole.pop() ?? "";
      for (const line of whole) options.onLine?.(line);
    });
    child.on("error", (cause) => reject(notStarted(program, cause)));
    child.on("close", (code) =>
      resolve({ code: code ?? undefined, stdout: stdout.join(""), stderr: stderr.join("") }),
    );
    // A program that does not read its input to the end is no error of ours: its exit code tells.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
  });
}

/**
 * Runs a program of this host and gives its standard output.
 * @throws KbreakError when it cannot be started or ends with anything but 0.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await attempt(argv, options);
  if (code === 0) return stdout;
  const said = stderr.trim().split("\n").slice(-5).join("\n");
  throw new KbreakError(
    `${argv.join(" ")}: ${code === undefined ? "killed" : `exit code ${code}`}${said && `: ${said}`}`,
  );
}

/**
 * Runs a program on the terminal of this process and gives its exit code, 128 and the signal's number when a signal
 * ended it.
 * @throws KbreakError when it cannot be started.
 */
export function runAttached(argv: readonly string[]): Promise<number> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit", env: hostEnvironment() });
    child.on("error", (cause) => reject(notStarted(program, cause)));
    child.on("close", (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}
