import type { Point } from "./harness.ts";

/** Numbers from 0 to 1 that come again with the same seed (mulberry32). */
export function random(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of each of `count` equal parts of the points, so that every phase is met. */
export function sample(points: readonly Point[], count: number, next: () => number): readonly Point[] {
  const part = points.length / count;
  return Array.from({ length: count }, (_, index) => points[Math.floor((index + next()) * part)]).filter(
    (point) => point !== undefined,
  );
}
