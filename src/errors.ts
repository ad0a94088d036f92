/**
 * One tree of errors. Each has a stable `code` (for scripts and tests), the exit code of the command that it ends,
 * and a `hint`: what to type next. Messages say what happened, where and why.
 */

export interface ErrorDetails {
  /** What to do or type next. */
  readonly hint?: string;
  /** The node or cluster that it happened on. */
  readonly target?: string;
  readonly cause?: unknown;
}

/** The root of the tree; everything that kbreak throws on purpose is one. */
export class KbreakError extends Error {
  readonly code: string = "error";
  readonly exitCode: number = 1;
  readonly hint: string | undefined;
  readonly target: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.hint = details.hint;
    this.target = details.target;
  }
}

/** The command line is wrong (exit 64, EX_USAGE of sysexits.h). */
export class UsageError extends KbreakError {
  override readonly code = "usage";
  override readonly exitCode = 64;
}

/** One mistake in a file that a person wrote. Lines and columns count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A playbook, inventory or break is wrong: all mistakes at once, each as `file:line:column: message`. */
export class ConfigError extends KbreakError {
  override readonly code = "config";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], details: ErrorDetails = {}) {
    super(problems.map((p) => `${p.file}:${p.line}:${p.column}: ${p.message}`).join("\n"), details);
    this.problems = problems;
  }
}

/** The node cannot be reached: no connection, no authentication, wrong host key. */
export class ConnectError extends KbreakError {
  override readonly code: string = "connect";
  override readonly exitCode = 4;
}

/** The target is not the machine that was enrolled as a lab, or none was. */
export class EnrolmentError extends KbreakError {
  override readonly code = "enrolment";
}

/** A node's script ended otherwise than it should have, or its outcome is unknown. */
export class RemoteError extends KbreakError {
  override readonly code: string = "remote";
}

/** Something that must hold before a change does not: nothing was touched. */
export class PreconditionError extends KbreakError {
  override readonly code: string = "precondition";
}

/** The target is no longer what was read: somebody has been there. Nothing was overwritten. */
export class DriftError extends KbreakError {
  override readonly code = "drift";
}

/** The break was applied, but its effect or its symptom was not seen (exit 3). */
export class VerificationError extends KbreakError {
  override readonly code = "verification";
  override readonly exitCode = 3;
}

/** A step cut the way to its node, which put it back by itself; all of the run was undone there (exit 3). */
export class RolledBackError extends KbreakError {
  override readonly code = "rolled-back";
  override readonly exitCode = 3;
}

/** The undo log is damaged, of another version or cannot be written. */
export class UndoLogError extends KbreakError {
  override readonly code = "undo-log";
}

/** Undo could not restore everything (exit 5); the run stays open. */
export class UndoError extends KbreakError {
  override readonly code = "undo";
  override readonly exitCode = 5;
}

/** A lock is held by another run. */
export class LockError extends KbreakError {
  override readonly code = "lock";
}

/** Ended by Ctrl-C or SIGTERM after what was done has been undone (exit 130). */
export class InterruptedError extends KbreakError {
  override readonly code = "interrupted";
  override readonly exitCode = 130;
}

/** The message of anything that was thrown, on one line where it is one. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
