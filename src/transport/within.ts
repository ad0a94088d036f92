import { ConnectError } from "../errors.ts";
import { seconds } from "./drive.ts";

/** Milliseconds until a connection must stand. */
export const CONNECT_DEADLINE = 15_000;

export interface Attempt {
  /** Aborted when time is up: what was begun must be ended then. */
  readonly signal: AbortSignal;
  /** Milliseconds that are left. */
  left(): number;
  /** Says what is being waited for, in words that follow "while". */
  stage(waitingFor: string): void;
}

/**
 * Does `work` within `deadline` milliseconds.
 * @throws ConnectError that names the stage when time is up; else what `work` throws.
 */
export async function within<T>(
  target: string,
  deadline: number,
  work: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const end = performance.now() + deadline;
  let stage = "connecting";
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new ConnectError(`no connection within ${seconds(deadline)}: time ran out while ${stage}`, {
          target,
          hint: "check that the node is up and that its address, port and firewall are as the inventory says",
        }),
      );
      abort.abort();
    }, deadline);
  });
  try {
    return await Promise.race([
      timeUp,
      work({
        signal: abort.signal,
        left: () => Math.max(1, end - performance.now()),
        stage: (waitingFor) => {
          stage = waitingFor;
        },
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
