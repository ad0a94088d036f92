import type { Results, SideBySide, WorkSize } from "./results.ts";
import { type Measured, measured, ratio } from "./statistics.ts";

/** Something that was to be reached, and what was measured. */
export interface Goal {
  readonly title: string;
  readonly wanted: string;
  /** `undefined`: its section was left out, or the machine did not carry what it needs. */
  readonly found?: string;
  readonly met?: boolean;
}

const times = (value: number) => `${value.toPrecision(3)} times`;
const spread = ({ median, low, high }: Measured) =>
  `${times(median)} (${low.toPrecision(3)} to ${high.toPrecision(3)})`;

/** How many times as long one contender takes as another, or `undefined` where one was not there. */
export function longer(
  seconds: SideBySide,
  one: keyof SideBySide,
  other: keyof SideBySide,
): Measured | undefined {
  const [mine, theirs] = [seconds[one], seconds[other]];
  return mine === undefined || theirs === undefined ? undefined : ratio(mine, theirs);
}

/** How many times as long it takes on most as on fewest nodes. */
function growth(sizes: readonly WorkSize[], who: keyof SideBySide): Measured | undefined {
  const [few, most] = [sizes[0]?.seconds[who], sizes.at(-1)?.seconds[who]];
  return few === undefined || most === undefined || sizes.length < 2 ? undefined : ratio(most, few);
}

function judged(
  title: string,
  wanted: string,
  found: Measured | undefined,
  isMet: (median: number) => boolean,
  text: (found: Measured) => string = spread,
): Goal {
  if (found === undefined) return { title, wanted };
  return { title, wanted, found: text(found), met: isMet(found.median) };
}

/** The goals in the order in which they are shown. They are judged by medians. */
export function goalsOf(results: Results): readonly Goal[] {
  const sizes = results.work?.sizes ?? [];
  const twenty = sizes.find(({ nodes }) => nodes === 20)?.seconds ?? {};
  const [few, most] = sizes.length < 2 ? [1, 50] : [sizes[0]?.nodes, sizes.at(-1)?.nodes];
  const ours = growth(sizes, "kbreak");
  const theirs = growth(sizes, "OpenSSH loop");
  const wide = results.wide?.sizes.find(({ endpoints }) => endpoints === 200)?.memory;
  const [start, node] = [results.start?.["kbreak --help"], results.start?.["node -e 0"]];
  const trips = results.distance?.trips.map(({ step }) => step);
  return [
    judged(
      "20 nodes: apply, proof and undo",
      "at most 1 times the hand-written loop's time",
      longer(twenty, "kbreak", "OpenSSH loop"),
      (median) => median <= 1,
    ),
    judged(
      "20 nodes: Ansible for the same work",
      "at least 12 times kbreak's time",
      longer(twenty, "Ansible", "kbreak"),
      (median) => median >= 12,
    ),
    judged(
      `growth from ${few} to ${most} nodes`,
      theirs === undefined
        ? "no steeper than the loop's"
        : `no steeper than the loop's ${times(theirs.median)}`,
      ours,
      (median) => median <= (theirs?.median ?? 0),
    ),
    judged(
      "200 endpoints: memory",
      "less than 200 MB",
      wide,
      (median) => megabytes(median) < 200,
      ({ median, low, high }) =>
        `${megabytes(median).toFixed(0)} MB (${megabytes(low).toFixed(0)} to ${megabytes(high).toFixed(0)})`,
    ),
    judged(
      "start: kbreak --help",
      "at most 2 times node -e 0",
      start === undefined || node === undefined ? undefined : ratio(start, node),
      (median) => median <= 2,
    ),
    judged(
      "round trips of a step",
      "2, whatever the number of operations",
      trips === undefined || trips.length === 0 ? undefined : measured(trips),
      () => trips?.every((count) => count === 2) === true,
      ({ low, high }) => (low === high ? String(low) : `${low} to ${high}`),
    ),
  ];
}

/** Of mebibytes. */
const megabytes = (mebibytes: number) => (mebibytes * 1024 ** 2) / 1e6;
