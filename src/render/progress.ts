import type { Event, TaskEvent } from "../engine/context.ts";
import { type Colours, coloursFor } from "./colours.ts";
import { label, masked } from "./mask.ts";

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

interface Style extends ProgressOptions {
  readonly colours: Colours;
}

/** Tells on standard error what happens, nodes side by side. */
export async function createProgress(options: ProgressOptions): Promise<Progress> {
  const style = { ...options, colours: coloursFor(process.stderr) };
  if (!options.live) return { emit: (event) => writeLine(lineOf(event, style)), close: () => undefined };
  const { createLogUpdate } = await import("log-update");
  const update = createLogUpdate(process.stderr, { showCursor: true });
  const running = new Map<string, TaskEvent>();
  const redraw = () => update([...running.values()].map((task) => runningLine(task, style)).join("\n"));
  return {
    emit(event) {
      if (event.type === "task" && event.state === "started") running.set(event.target, event);
      else {
        if (event.type === "task") running.delete(event.target);
        update.clear();
        writeLine(lineOf(event, style));
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
  spoilers || !event.task.startsWith("step-")
    ? label(event.title)
    : `break ${Number(event.task.slice(5)) + 1}`;

function runningLine(event: TaskEvent, { colours, spoilers }: Style): string {
  const detail = event.detail && spoilers ? colours.dim(` ${label(event.detail)}`) : "";
  return `${colours.cyan("…")} ${colours.bold(event.target)}  ${nameOf(event, spoilers)}${detail}`;
}

function lineOf(event: Event, { colours, spoilers }: Style): string | undefined {
  if (event.type === "run") return colours.dim(`run ${event.run}`);
  if (event.type === "notice")
    return colours.yellow(`${event.target === undefined ? "" : `${event.target}: `}${masked(event.message)}`);
  if (event.state === "started") return undefined;
  const signs = { done: colours.green("✓"), failed: colours.red("✗"), skipped: colours.yellow("-") };
  const time = event.seconds === undefined ? "" : colours.dim(`  ${event.seconds.toFixed(1)} s`);
  const detail = event.detail === undefined || !spoilers ? "" : `  ${label(event.detail)}`;
  return `${signs[event.state]} ${colours.bold(event.target)}  ${nameOf(event, spoilers)}  ${event.state}${time}${detail}`;
}
