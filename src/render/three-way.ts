import { diffArrays } from "diff";
import type { ThreeTexts } from "../engine/undo.ts";
import type { Colours } from "./colours.ts";
import { label, masked } from "./mask.ts";
import { strangers } from "./strangers.ts";

/** A line of three texts, and in which of them it is. */
export interface ThreeWayLine {
  readonly text: string;
  readonly before: boolean;
  readonly made: boolean;
  readonly now: boolean;
}

/** A text against its origin: which lines of that it still has, and what it has in the gaps before and after each. */
interface Aligned {
  readonly has: readonly boolean[];
  readonly gaps: readonly (readonly string[])[];
}

const linesOf = (text: string): readonly string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

/** Of lines that were replaced, each new one stands behind the old one in whose place it is, and the rest behind the last. */
function align(origin: readonly string[], other: readonly string[]): Aligned {
  const has: boolean[] = [];
  const gaps: string[][] = [[]];
  let replaced = 0;
  for (const { value, added, removed } of diffArrays([...origin], [...other])) {
    if (added) {
      const first = gaps.length - replaced;
      for (const [index, text] of value.entries()) gaps[Math.min(first + index, gaps.length - 1)]?.push(text);
    } else
      for (const _ of value) {
        has.push(!removed);
        gaps.push([]);
      }
    replaced = removed ? value.length : 0;
  }
  // Nothing of it is left, so that no line is in the place of another.
  if (!has.includes(true)) return { has, gaps: [...has.map(() => []), other] };
  return { has, gaps };
}

/** What the run and a person have put into the same gap: where it is the same, it is the run's that is still there. */
function inGap(made: readonly string[], now: readonly string[]): readonly ThreeWayLine[] {
  return diffArrays([...made], [...now]).flatMap(({ value, added, removed }) =>
    value.map((text) => ({ text, before: false, made: !added, now: !removed })),
  );
}

/** Every line of three texts, once, in order. */
export function mergeThree(before: string, made: string, now: string): readonly ThreeWayLine[] {
  const origin = linesOf(before);
  const [ours, theirs] = [align(origin, linesOf(made)), align(origin, linesOf(now))];
  const gap = (index: number) => inGap(ours.gaps[index] ?? [], theirs.gaps[index] ?? []);
  return [
    ...gap(0),
    ...origin.flatMap((text, index) => [
      { text, before: true, made: ours.has[index] === true, now: theirs.has[index] === true },
      ...gap(index + 1),
    ]),
  ];
}

const isCommon = ({ before, made, now }: ThreeWayLine) => before && made && now;

function shown(line: ThreeWayLine, colours: Colours): string {
  const marks = `${line.before ? "b" : "."}${line.made ? "m" : "."}${line.now ? "n" : "."}`;
  const text = `${marks}  ${label(line.text)}`;
  const named = isCommon(line) ? "" : strangers(line.text, colours);
  // As restoring the file would change it.
  if (line.before && !line.now) return colours.green(text) + named;
  return (line.now && !line.before ? colours.red(text) : colours.dim(text)) + named;
}

/** The lines that differ, with one around them that does not; secrets hidden. */
export function threeWay({ before, made, now }: ThreeTexts, colours: Colours): readonly string[] {
  if (now === undefined) return ["what is there now is no text"];
  const merged = mergeThree(masked(before), masked(made), masked(now));
  const near = merged.filter((_, index) =>
    [index - 1, index, index + 1].some((other) => {
      const line = merged[other];
      return line !== undefined && !isCommon(line);
    }),
  );
  if (near.length === 0) return ["the three differ only in what is hidden here"];
  return near.map((line) => shown(line, colours));
}
