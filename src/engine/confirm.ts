import { ConnectError, LockError, RemoteError, RolledBackError } from "../errors.ts";
import { UnknownOutcomeError } from "./script.ts";
import type { Session } from "./session.ts";
import { answerOf, cancelling, type Switch, type SwitchAnswer } from "./switch.ts";

/** Seconds that a node has for putting itself back, and for being reached afterwards. */
const SLACK = 60;

/** Milliseconds between two attempts to reach the node. */
const PAUSE = 1000;

/** Milliseconds in which an answer over the new connection has to come. */
const ANSWER_DEADLINE = 45_000;

/**
 * Comes back to the node over a new connection and cancels its switch; when that connection cannot be had, waits until
 * the switch has fired and the node can be reached again.
 * @throws ConnectError, UnknownOutcomeError, LockError when the node cannot be reached even then; RemoteError when its
 * answer says nothing.
 */
export async function confirm(
  session: Session,
  guard: Switch,
  at: (detail: string) => void,
): Promise<SwitchAnswer> {
  const end = performance.now() + (guard.seconds + SLACK) * 1000;
  for (;;) {
    try {
      await session.renew();
      const answer = answerOf(await session.run(cancelling([guard]), { deadline: ANSWER_DEADLINE }), guard);
      if (answer !== undefined) return answer;
      throw new RemoteError(`${session.name}: its switch could not be cancelled`, { target: session.name });
    } catch (error) {
      const passing =
        error instanceof ConnectError || error instanceof UnknownOutcomeError || error instanceof LockError;
      if (!passing || performance.now() > end) throw error;
      at(`cut off; the node puts itself back after ${guard.seconds} s`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

/** What a step that was put back by its own node ends with. */
export function rolledBack(target: string, title: string, { seconds }: Switch): RolledBackError {
  return new RolledBackError(
    `${target}: ${title}: it cut the way to ${target}: no new connection within ${seconds} s, so the node put it back by itself`,
    {
      target,
      hint: "nothing of it is left; spare the ssh port or change the step, or, where the way is only slow, give it longer: --confirm 90",
    },
  );
}
