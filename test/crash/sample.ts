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

/** One of each of `count` equal parts of the things, so that every phase is met. */
export function sample<Thing>(things: readonly Thing[], count: number, next: () => number): readonly Thing[] {
  const part = things.length / count;
  return Array.from({ length: count }, (_, index) => things[Math.floor((index + next()) * part)]).filter(
    (thing) => thing !== undefined,
  );
}

/** The things in another order (Fisher and Yates). */
export function shuffled<Thing>(things: readonly Thing[], next: () => number): readonly Thing[] {
  const order = [...things];
  for (let index = order.length - 1; index > 0; index -= 1) {
    const [other] = order.splice(Math.floor(next() * (index + 1)), 1);
    if (other !== undefined) order.push(other);
  }
  return order;
}
