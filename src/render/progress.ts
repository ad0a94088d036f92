import pc from "picocolors";
import type { Event, TaskEvent } from "../engine/context.ts";
import { masked } from "./mask.ts";

export interface Progress {
  readonly emit: (event: Event) => void;
  /** Takes the live lines away, so that other output can follow. */
  readonly close: () => void;
}

export interface ProgressOptions {
  /** True: one moving line per node at the bottom of the terminal. False: a line per finished step. */
  readonly live: boolean;
  /** False: titles and details, which tell what is broken, are left out. */
  readonly spoilers: boolean;
}

const signs = { done: pc.green("✓"), failed: pc.red("✗"), skipped: pc.yellow("-"), started: pc.cyan("…") };

/** Tells on standard error what happens, nodes side by side. */
export async function createProgress(options: ProgressOptions): Promise<Progress> {
  if (!options.live)
    return { emit: (event) => writeLine(lineOf(event, options.spoilers)), close: () => undefined };
  const { createLogUpdate } = await import("log-update");
  const update = createLogUpdate(process.stderr, { showCursor: true });
  const running = new Map<string, TaskEvent>();
  const redraw = () =>
    update([...running.values()].map((task) => runningLine(task, options.spoilers)).join("\n"));
  return {
    emit(event) {
      if (event.type === "task" && event.state === "started") running.set(event.target, event);
      else {
        if (event.type === "task") running.delete(event.target);
        update.clear();
        writeLine(lineOf(event, options.spoilers));
      }
      redraw();
    },
    close: () => update.clear(),
  };
}

function writeLine(line: string | undefined): void {
  if (line !== undefined) process.stderr.write(`${line}\n`);
}

const nameOf = (event: TaskEvent, spoilers: boolean) =>
  spoilers || !event.task.startsWith("step-") ? event.title : `break ${Number(event.task.slice(5)) + 1}`;

function runningLine(event: TaskEvent, spoilers: boolean): string {
  const detail = event.detail && spoilers ? pc.dim(` ${masked(event.detail)}`) : "";
  return `${signs.started} ${pc.bold(event.target)}  ${nameOf(event, spoilers)}${detail}`;
}

function lineOf(event: Event, spoilers: boolean): string | undefined {
  if (event.type === "run") return pc.dim(`run ${event.run}`);
  if (event.type === "notice")
    return pc.yellow(`${event.target === undefined ? "" : `${event.target}: `}${masked(event.message)}`);
  if (event.state === "started") return undefined;
  const time = event.seconds === undefined ? "" : pc.dim(`  ${event.seconds.toFixed(1)} s`);
  const detail = event.detail === undefined || !spoilers ? "" : `  ${masked(event.detail)}`;
  return `${signs[event.state]} ${pc.bold(event.target)}  ${nameOf(event, spoilers)}  ${event.state}${time}${detail}`;
}
