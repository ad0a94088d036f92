import {
  ConfigError,
  ConnectError,
  EnrolmentError,
  InterruptedError,
  KbreakError,
  LockError,
  messageOf,
  UndoLogError,
  UsageError,
} from "../errors.ts";

/** Errors that speak of files, nodes and locks, never of what is broken. */
const harmless = [
  UsageError,
  ConfigError,
  ConnectError,
  EnrolmentError,
  LockError,
  UndoLogError,
  InterruptedError,
];

const plain: Readonly<Record<string, string>> = {
  precondition: "a break cannot be made; nothing was touched",
  drift: "what a break would change is no longer what was read; nothing was overwritten",
  verification: "a break was made, but its effect or its symptom was not seen",
  undo: "undo is not complete",
};

/** An error for people: what happened, where and why, and below it what to type next. Without spoilers: not what broke. */
export function renderError(error: unknown, spoilers: boolean): string {
  if (!(error instanceof KbreakError))
    return `error: ${messageOf(error)}\nhint: this is not a mistake of yours; KBREAK_DEBUG=1 shows where in kbreak it happened\n`;
  const message = spoilers || tellsNothing(error) ? error.message : (plain[error.code] ?? "a break failed");
  const hints = [
    ...(error.hint ? [error.hint] : []),
    ...(message === error.message ? [] : ["`--spoilers yes` tells what it was"]),
  ];
  const hint = hints.length === 0 ? "" : `hint: ${hints.join("\n      ")}\n`;
  return `error: ${located(message, error.target)}\n${hint}`;
}

/** Whether an error may be shown to somebody who is to find out. One that is about a step names its node. */
function tellsNothing(error: KbreakError): boolean {
  if (harmless.some((kind) => error instanceof kind)) return true;
  return ["precondition", "verification"].includes(error.code) && error.target === undefined;
}

function located(message: string, target: string | undefined): string {
  return target === undefined || message.includes(target) ? message : `${target}: ${message}`;
}
