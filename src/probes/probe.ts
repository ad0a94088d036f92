import type { Shell } from "../shell.ts";

/**
 * A read-only check of a symptom: what a fixer would meet, as against a state that only we know of.
 *
 * Its script runs as root in POSIX sh and answers by its exit code: 0 the symptom is there, 1 it is not, anything else
 * it cannot be told.
 */
export interface Probe {
  /** What is seen when it fires. */
  readonly title: string;
  readonly script: Shell;
  /** Programs that the script calls. */
  readonly commands: readonly string[];
}

export type Symptom = "seen" | "quiet" | "unknown";

/** What a probe's exit code says. */
export function symptomOf(code: number | undefined): Symptom {
  if (code === 0) return "seen";
  return code === 1 ? "quiet" : "unknown";
}
