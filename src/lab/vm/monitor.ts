import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError } from "../../errors.ts";

type Answer = Readonly<Record<string, unknown>>;

/** Tells a running qemu what to do, in its own protocol (QMP). */
export interface Monitor {
  /** @throws KbreakError when qemu refuses, or has ended. */
  execute(command: string, parameters?: Answer): Promise<Answer>;
  close(): void;
}

/**
 * Connects to qemu's monitor, which may not listen yet.
 * @throws KbreakError when it does not in ten seconds.
 */
export async function openMonitor(path: string): Promise<Monitor> {
  const socket = await connected(path);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const next = async (): Promise<Answer> => {
    const { value, done } = await lines.next();
    if (done) throw new KbreakError("qemu has ended");
    return JSON.parse(value) as Answer;
  };
  const execute: Monitor["execute"] = async (command, parameters = {}) => {
    socket.write(`${JSON.stringify({ execute: command, arguments: parameters })}\n`);
    // Events, which nobody asked for, come in between.
    for (;;) {
      const { return: result, error } = await next();
      if (result !== undefined) return result as Answer;
      if (error !== undefined) throw new KbreakError(`qemu: ${command}: ${(error as Answer).desc}`);
    }
  };
  await next();
  await execute("qmp_capabilities");
  return { execute, close: () => socket.destroy() };
}

async function connected(path: string) {
  for (const end = Date.now() + 10_000; ; await sleep(20)) {
    const socket = connect(path);
    const failure = await new Promise<Error | undefined>((resolve) => {
      socket.once("connect", () => resolve(undefined)).once("error", resolve);
    });
    if (failure === undefined) return socket;
    if (Date.now() > end)
      throw new KbreakError(`qemu does not listen: ${failure.message}`, { cause: failure });
  }
}
