import { type Unrestored, unrestoredOf } from "../engine/run-changes.ts";
import { endRun, isOpen, type Run } from "../engine/runs.ts";
import { UsageError } from "../errors.ts";
import { label } from "../render/mask.ts";
import { confirm } from "./confirm.ts";
import { isInteractive, print, printJson } from "./options.ts";

export interface ForgetFlags {
  readonly yes?: boolean;
  readonly spoilers: "yes" | "no";
  readonly output: "table" | "json";
}

/**
 * Closes a run whose nodes are no more what they were, after saying what stays changed and asking. Touches no node.
 * @throws UsageError without a terminal and without `yes`; PreconditionError, InterruptedError when the answer is no;
 * LockError when another kbreak is at work on the run.
 */
export async function forget(run: Run, dataFolder: string, flags: ForgetFlags): Promise<void> {
  if (!isOpen(run)) {
    if (flags.output === "json") printJson([{ run: run.id, status: run.status, left: [] }]);
    process.stderr.write(`run ${run.id} is closed already: ${run.status}\n`);
    return;
  }
  const left = unrestoredOf(run);
  process.stderr.write(`${announcement(run, left, flags.spoilers === "yes")}\n`);
  if (!flags.yes) {
    if (!isInteractive())
      throw new UsageError("there is no terminal to ask on, and --yes was not given", {
        hint: "look at what stays changed, then add --yes",
      });
    await confirm("Close the run?", "the run stays open");
  }
  endRun(dataFolder, run.id, "forgotten");
  if (flags.output === "json") {
    const told = left.map(({ target, title }) => ({
      target,
      ...(flags.spoilers === "yes" ? { operation: title } : {}),
    }));
    printJson([{ run: run.id, status: "forgotten", left: told }]);
  } else print(`run ${run.id}: forgotten, ${left.length} not put back`);
  process.stderr.write(`its undo log stays; should a node come back: kbreak undo ${run.id}\n`);
}

function announcement(run: Run, left: readonly Unrestored[], spoilers: boolean): string {
  const head = `To close run ${run.id} on the lab "${run.started.lab}" touches nothing.`;
  if (left.length === 0) return `${head} Nothing of it is left.`;
  const nodes = [...new Set(left.map(({ target }) => target))];
  const lines = spoilers
    ? left.map(({ target, title }) => `  ${target}: ${label(title)}`)
    : nodes.map((node) => `  ${node}: ${left.filter(({ target }) => target === node).length} changes`);
  return [`${head} Where its nodes are still there, this stays changed:`, ...lines].join("\n");
}
