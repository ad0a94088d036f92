/** Lets at most `limit` holders in at once, the others in the order in which they asked. */
export interface Semaphore {
  /** Resolves with the function that gives the place back; calling it again does nothing. */
  acquire(): Promise<() => void>;
}

export function semaphore(limit: number): Semaphore {
  const waiting: (() => void)[] = [];
  let free = limit;

  const giveBack = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  const place = (): (() => void) => {
    let held = true;
    return () => {
      if (held) giveBack();
      held = false;
    };
  };
  return {
    acquire: () =>
      new Promise((resolve) => {
        if (free === 0) {
          waiting.push(() => resolve(place()));
          return;
        }
        free -= 1;
        resolve(place());
      }),
  };
}
