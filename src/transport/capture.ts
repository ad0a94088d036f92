/** The most that a script may print, in bytes. Beyond it a string of Node's would not hold it. */
export const OUTPUT_LIMIT = 256 * 1024 * 1024;

/** What a shell has printed so far. */
export interface Capture {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
  /** Whether the marker was seen; always true without one. */
  started(): boolean;
  /** Whether more was printed than the limit allows. */
  full(): boolean;
  /** What the script printed; before the marker was seen, what came in its place. Decoded as UTF-8. */
  text(): { readonly stdout: string; readonly stderr: string };
}

/**
 * Collects what a shell prints.
 * @param marker What separates the output of start-up files from the script's; `undefined`: all is the script's.
 * @param limit Bytes of both streams together.
 */
export function capture(marker: string | undefined, limit: number): Capture {
  let started = marker === undefined;
  let size = 0;
  let before = Buffer.alloc(0);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];

  const find = (chunk: Buffer): void => {
    before = Buffer.concat([before, chunk]);
    const at = before.indexOf(marker ?? "");
    if (at < 0) return;
    started = true;
    stdout.push(before.subarray(at + (marker ?? "").length));
  };

  return {
    stdout: (chunk) => {
      size += chunk.length;
      if (started) stdout.push(chunk);
      else find(chunk);
    },
    stderr: (chunk) => {
      size += chunk.length;
      stderr.push(chunk);
    },
    started: () => started,
    full: () => size > limit,
    text: () => ({
      stdout: (started ? Buffer.concat(stdout) : before).toString("utf8"),
      stderr: Buffer.concat(stderr).toString("utf8"),
    }),
  };
}
