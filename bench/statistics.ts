/** Repeated measurements of one thing, in the order in which they were made. */
export interface Measured {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly samples: readonly number[];
}

/**
 * The smallest of the samples that at least this part of them does not exceed (nearest rank); of an even number of
 * samples the lower of the two in the middle is the half.
 * @param part From 0 to 1. @throws RangeError when there is none.
 */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((one, other) => one - other);
  const found = sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
  if (found === undefined) throw new RangeError("there is nothing to measure by");
  return found;
}

/** Median, lowest and highest. @throws RangeError when there is no sample. */
export function measured(samples: readonly number[]): Measured {
  const rounded = samples.map(significant);
  return {
    median: quantile(rounded, 0.5),
    low: Math.min(...rounded),
    high: Math.max(...rounded),
    samples: rounded,
  };
}

/**
 * How many times as much `one` is as `other`, round by round: what slows this machine down in one round slows both.
 * @throws RangeError when they have no round in common.
 */
export function ratio(one: Measured, other: Measured): Measured {
  const rounds = Math.min(one.samples.length, other.samples.length);
  return measured(one.samples.slice(0, rounds).map((sample, round) => sample / (other.samples[round] ?? 1)));
}

/** Four digits: more than that differs from run to run. */
const significant = (value: number) => Number(value.toPrecision(4));
