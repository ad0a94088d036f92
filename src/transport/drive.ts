import type { Readable, Writable } from "node:stream";
import { capture, OUTPUT_LIMIT } from "./capture.ts";
import type { Outcome } from "./transport.ts";

/** A started shell: a channel of an ssh connection, or a process on this machine. */
export interface OpenShell {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The shell has ended. Output may still be on its way. */
  onExit(listener: (code: unknown, signal: unknown) => void): void;
  /** All output is in, or the way to the shell is gone. */
  onClose(listener: () => void): void;
  onError(listener: (error: Error) => void): void;
  /** Ends what is still running. */
  kill(): void;
  /** Stops listening to what was left running with the shell's output still open. */
  release(): void;
}

export interface Drive {
  /** Milliseconds until the shell must have ended. */
  readonly deadline: number;
  /** Aborted, with a person's words as its reason, when the connection is gone. */
  readonly gone: AbortSignal;
  /** What the shell prints before it reads its script. Without it, the script is sent at once. */
  readonly marker?: string;
  /** Sent first; the script follows only when the marker was seen. */
  readonly preface?: string;
  /**
   * Milliseconds of silence after the shell's exit until its output counts as complete although something that it
   * left running still holds it open.
   */
  readonly linger: number;
  /** An exit code by which the command that carries the script says that it failed itself. */
  readonly failureCode?: number;
  /** Bytes of output. Default 256 MiB. */
  readonly limit?: number;
}

interface Exit {
  readonly code: unknown;
  readonly signal: unknown;
}

/**
 * Hands a script to a started shell and waits for what becomes of it. Always settles, once, and never throws.
 * Must be called in the turn in which the shell was started: its exit may be announced in the next one.
 */
export function drive(shell: OpenShell, script: string, how: Drive): Promise<Outcome> {
  return new Promise((resolve) => {
    const output = capture(how.marker, how.limit ?? OUTPUT_LIMIT);
    let exit: Exit | undefined;
    let sent = how.preface === undefined;
    let settled = false;
    let silence: NodeJS.Timeout | undefined;

    const settle = (outcome: Outcome): void => {
      if (settled) return;
      settled = true;
      clearTimeout(deadline);
      clearTimeout(silence);
      how.gone.removeEventListener("abort", onGone);
      resolve(outcome);
    };
    const abandon = (reason: "deadline" | "lost", detail: string): void => {
      if (settled) return;
      settle(exit === undefined ? unknown(reason, detail, output.text()) : judge(exit, output, how));
      shell.kill();
    };
    const onGone = (): void => abandon("lost", String(how.gone.reason));
    const onSilence = (): void => {
      if (exit !== undefined) settle(judge(exit, output, how));
      shell.release();
    };
    // Two timers in a row: when this process was busy, one alone is due before the output that came meanwhile is read.
    const listen = (halves = 2): void => {
      clearTimeout(silence);
      if (exit === undefined) return;
      silence = setTimeout(() => (halves > 1 ? listen(halves - 1) : onSilence()), how.linger / 2);
    };
    const onData = (take: (chunk: Buffer) => void, chunk: Buffer): void => {
      if (settled) return;
      take(chunk);
      if (output.full()) {
        overflow();
        return;
      }
      if (!sent && output.started()) {
        sent = true;
        shell.stdin.end(script);
      }
      listen();
    };
    const overflow = (): void => {
      settle(
        unknown(
          "lost",
          `the script printed more than ${how.limit ?? OUTPUT_LIMIT} bytes, which kbreak does not read`,
        ),
      );
      shell.kill();
    };

    const deadline = setTimeout(
      () => abandon("deadline", `no end within ${seconds(how.deadline)}`),
      how.deadline,
    );
    // A shell that ends before it has read all of its script breaks the pipe; its exit tells the rest.
    shell.stdin.on("error", () => undefined);
    shell.stdout.on("data", (chunk: Buffer) => onData(output.stdout, chunk));
    shell.stderr.on("data", (chunk: Buffer) => onData(output.stderr, chunk));
    shell.onExit((code, signal) => {
      exit = { code, signal };
      listen();
    });
    shell.onClose(() =>
      settle(
        exit === undefined
          ? unknown("lost", "the connection ended without an exit code", output.text())
          : judge(exit, output, how),
      ),
    );
    shell.onError((error) => abandon("lost", error.message));
    how.gone.addEventListener("abort", onGone, { once: true });

    if (how.gone.aborted) onGone();
    else if (how.preface === undefined) shell.stdin.end(script);
    else shell.stdin.write(how.preface);
  });
}

function judge(exit: Exit, output: ReturnType<typeof capture>, how: Drive): Outcome {
  const text = output.text();
  const { code, signal } = exit;
  const said = lastLine(text.stderr) || lastLine(text.stdout);
  if (!output.started()) {
    const end = typeof signal === "string" ? signal : `exit code ${String(code)}`;
    return {
      ...unknown("lost", `no root shell was started (${end})${said && `: ${said}`}`, text),
      shellless: true,
    };
  }
  if (typeof signal === "string") return unknown("signal", `the shell was killed by ${signal}`, text);
  if (typeof code !== "number" || !Number.isInteger(code))
    return unknown("lost", "the shell ended without an exit code", text);
  if (code === how.failureCode)
    return unknown("lost", `the command failed with exit code ${code}${said && `: ${said}`}`, text);
  return { kind: "exited", code, ...text };
}

/** An outcome that has to be read again. */
export function unknown(
  reason: "deadline" | "lost" | "signal",
  detail: string,
  text: { readonly stdout: string; readonly stderr: string } = { stdout: "", stderr: "" },
): Outcome & { readonly kind: "unknown" } {
  return { kind: "unknown", reason, detail, ...text };
}

/** The last line that says something, at most 300 characters of it. */
export function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.trim().slice(0, 300) ?? "";
}

/** Milliseconds as people read them: `0.5 s`. */
export function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}
