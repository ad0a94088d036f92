import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { KbreakError } from "../errors.ts";

// Below the range that the kernel takes the ports of outgoing connections from (32768-60999).
const lowest = 20_000;
const amount = 12_000;

/** True when nobody listens on this port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/**
 * A free port of 127.0.0.1 that is none of `taken`. Looked for from a place that depends on `seed`, so that two labs
 * that are started at the same time do not choose the same one.
 * @throws KbreakError when there is none.
 */
export async function freePort(seed: string, taken: ReadonlySet<number>): Promise<number> {
  const begin = createHash("sha256").update(seed).digest().readUInt32BE() % amount;
  for (let step = 0; step < amount; step++) {
    const port = lowest + ((begin + step) % amount);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new KbreakError(`no port of 127.0.0.1 from ${lowest} to ${lowest + amount - 1} is free`);
}
