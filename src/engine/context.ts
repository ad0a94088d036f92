import type { Connect } from "../transport/transport.ts";
import type { TargetRecord } from "./records.ts";

/** What every part of the engine is handed: where it keeps its logs, how it reaches nodes, and whom it tells. */
export interface Context {
  readonly dataFolder: string;
  readonly connect: Connect;
  readonly emit: (event: Event) => void;
  readonly logger: Logger;
  /** Aborted by Ctrl-C: the step that is under way is finished, then everything is undone. */
  readonly signal: AbortSignal;
  /** How many nodes are worked on side by side. */
  readonly forks: number;
}

/** The part of pino that the engine uses. */
export interface Logger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** The same surroundings with a log whose every line names the run, and what the node of the line belongs to. */
export function inRun(context: Context, run: string, targets: readonly TargetRecord[]): Context {
  const { logger } = context;
  const known = new Map(targets.map(({ name, access: { cluster, zone } }) => [name, { cluster, zone }]));
  const complete = (fields: Readonly<Record<string, unknown>>) => ({
    run,
    ...fields,
    ...(typeof fields.node === "string" ? known.get(fields.node) : undefined),
  });
  return {
    ...context,
    logger: {
      info: (fields, message) => logger.info(complete(fields), message),
      warn: (fields, message) => logger.warn(complete(fields), message),
    },
  };
}

/** What a person is told while it happens. */
export type Event =
  | { readonly type: "run"; readonly run: string; readonly verb: "apply" | "undo" }
  | TaskEvent
  | { readonly type: "notice"; readonly target?: string; readonly message: string };

/** One line on one node: a step being applied, a node being undone. */
export interface TaskEvent {
  readonly type: "task";
  readonly target: string;
  /** Unique on its target. */
  readonly task: string;
  /** What it does, which may spoil the puzzle. */
  readonly title: string;
  readonly state: "started" | "done" | "failed" | "skipped";
  /** What it is at, or why it failed; may spoil the puzzle too. */
  readonly detail?: string;
  /** Since it started, when it has ended. */
  readonly seconds?: number;
}

/** A task's beginning is told at once, its end by the function that this gives. */
export function startTask(
  context: Pick<Context, "emit">,
  target: string,
  task: string,
  title: string,
): {
  readonly at: (detail: string) => void;
  readonly end: (state: "done" | "failed" | "skipped", detail?: string) => void;
} {
  const began = performance.now();
  const emit = (state: TaskEvent["state"], detail: string | undefined, seconds?: number) =>
    context.emit({
      type: "task",
      target,
      task,
      title,
      state,
      ...(detail === undefined ? {} : { detail }),
      ...(seconds === undefined ? {} : { seconds }),
    });
  emit("started", undefined);
  return {
    at: (detail) => emit("started", detail),
    end: (state, detail) => emit(state, detail, (performance.now() - began) / 1000),
  };
}

/** Runs `work` for each item, at most `forks` at a time, and gives the results in the items' order. */
export async function sideBySide<Item, Result>(
  items: readonly Item[],
  forks: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = new Array(items.length);
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(forks, items.length) }, worker));
  return results;
}
