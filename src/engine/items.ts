import { kindOf } from "../operations/index.ts";
import type { Failed, Intent, PlannedOperation } from "./records.ts";
import type { Logged } from "./undo-log.ts";

/** One operation of the run on the target, in the order in which it was applied. */
export interface Item extends PlannedOperation {
  readonly index: number;
  readonly intent: Intent;
  readonly halfDone: boolean;
  /** True when nobody knows whether its change has arrived at the node: it may until it expires. */
  readonly onItsWay: boolean;
}

/** Seconds after which an actor that had been missed would have broken something again. */
export const ACTOR_PERIOD = 2.5;

export const isActor = (item: Pick<Item, "spec">) => kindOf(item.spec).actor(item.spec);

export const isThroughApi = ({ spec }: Pick<Item, "spec">) => kindOf(spec).through === "api";

/** What a log holds of a target: its operations in the order in which they were applied. */
export function itemsOf(records: readonly Logged[], target: string): readonly Item[] {
  const mine = records.filter((entry) => "target" in entry && entry.target === target);
  const intents = mine.filter((entry): entry is Logged & Intent => entry.type === "intent");
  const undoBegan = mine.some((entry) => entry.type === "folders");
  return intents
    .flatMap((intent) => {
      const applied = mine.some((entry) => entry.type === "applied" && entry.step === intent.step);
      const restored = mine.some((entry) => entry.type === "restored" && entry.step === intent.step);
      const failed = mine.find(
        (entry): entry is Logged & Failed => entry.type === "failed" && entry.step === intent.step,
      );
      const onItsWay = !applied && failed?.answered !== true;
      return intent.operations
        .map((operation) => ({
          ...operation,
          intent,
          onItsWay,
          halfDone: !applied || (undoBegan && !restored),
        }))
        .filter((_, position) => !failed?.untouched.includes(position));
    })
    .map((item, index) => ({ ...item, index }));
}

/** A folder whose modification time a run has moved. */
export interface FolderWish {
  readonly folder: string;
  /** What it was before the run, as `touch -d` takes it. */
  readonly time: string;
  /** What the run left behind. */
  readonly expected: string | undefined;
  /** True: it is put back whatever it is now. Else only from `time` or `expected`: any other is somebody else's. */
  readonly always: boolean;
}

/** The folders on a target that nobody but the run has written to, as far as its log tells. */
export function folderWishes(
  records: readonly Logged[],
  target: string,
  items: readonly Item[],
): readonly FolderWish[] {
  const mine = records.filter((entry) => "target" in entry && entry.target === target);
  const decided = mine.find((entry) => entry.type === "folders");
  if (decided?.type === "folders")
    return Object.entries(decided.folders).map(([folder, time]) => ({
      folder,
      time,
      expected: undefined,
      always: true,
    }));
  const original = new Map<string, string>();
  const expected = new Map<string, string>();
  const foreign = new Set<string>();
  for (const { intent } of items)
    for (const [folder, time] of Object.entries(intent.folders))
      if (!original.has(folder)) original.set(folder, time);
  for (const entry of mine) {
    if (entry.type !== "applied" && entry.type !== "failed") continue;
    for (const [folder, time] of Object.entries(entry.found))
      if (time !== (expected.get(folder) ?? original.get(folder))) foreign.add(folder);
    for (const [folder, time] of Object.entries(entry.left)) expected.set(folder, time);
  }
  // Of a step that was cut off nobody knows when it wrote last; of one that failed the node has said.
  const failed = new Set(mine.flatMap((entry) => (entry.type === "failed" ? Object.keys(entry.left) : [])));
  const cutOff = new Set(
    items
      .filter(({ halfDone }) => halfDone)
      .flatMap(({ intent }) => Object.keys(intent.folders))
      .filter((folder) => !failed.has(folder)),
  );
  return [...original]
    .filter(([folder]) => !foreign.has(folder))
    .map(([folder, time]) => ({
      folder,
      time,
      expected: expected.get(folder),
      always: cutOff.has(folder),
    }));
}
