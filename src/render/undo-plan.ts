import type { Verdict } from "../engine/records.ts";
import type { RunState } from "../engine/status.ts";
import { isRestored } from "../engine/verdict.ts";
import { type Colours, coloursFor } from "./colours.ts";
import { columns } from "./columns.ts";
import { label } from "./mask.ts";
import { threeWay } from "./three-way.ts";

export interface UndoPlanOptions {
  /** True: also what a person fixed in another way is put back. */
  readonly exact: boolean;
  readonly spoilers: boolean;
}

type Intended = "restore" | "keep" | "nothing";

function intended(verdict: Verdict, exact: boolean): Intended {
  if (isRestored(verdict, exact)) return "restore";
  return verdict === "fixed differently" ? "keep" : "nothing";
}

function operationsOf(states: readonly RunState[], { exact, spoilers }: UndoPlanOptions) {
  return states.flatMap(({ run, steps }) =>
    steps.flatMap(({ target, step, operations }) =>
      operations.map(({ title, verdict, texts }) => ({
        row: {
          run,
          target,
          operation: spoilers ? label(title) : `break ${step + 1}`,
          verdict,
          undo: intended(verdict, exact),
        },
        texts,
      })),
    ),
  );
}

/** What an undo would do, as data, without contents. */
export function undoPlanData(states: readonly RunState[], options: UndoPlanOptions) {
  return operationsOf(states, options).map(({ row }) => row);
}

/**
 * What an undo would do, for people: a table, and below it each file that is not as it was, as three texts in one: what
 * was there before, what the run made of it, what is there now.
 */
export function renderUndoPlan(
  states: readonly RunState[],
  options: UndoPlanOptions,
  colours: Colours = coloursFor(process.stdout),
): string {
  const operations = operationsOf(states, options);
  const rows = operations.map(({ row }) => Object.values(row));
  const table = columns([["RUN", "NODE", "OPERATION", "NOW", "UNDO"], ...rows]);
  const files = operations.flatMap(({ row, texts }) =>
    texts === undefined || !options.spoilers || row.undo === "nothing"
      ? []
      : [
          [
            `${colours.bold(`${row.target}: ${row.operation}`)}: ${row.verdict}, undo: ${row.undo}`,
            ...threeWay(texts, colours).map((line) => `  ${line}`),
          ].join("\n"),
        ],
  );
  if (files.length === 0) return table;
  return [
    table.trimEnd(),
    "b: it was there before, m: the run made it so, n: it is there now",
    ...files,
  ].join("\n\n");
}
