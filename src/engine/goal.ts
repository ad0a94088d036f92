import { lines, quote } from "../shell.ts";
import type { GoalRecord } from "./records.ts";
import { shellFunction } from "./script.ts";
import type { Session } from "./session.ts";

export interface GoalState {
  readonly name: string;
  readonly target: string;
  readonly met: boolean;
  /** What was printed or how it ended, when it is not met. */
  readonly detail: string;
}

/** Asks every goal whose node can be reached; one round trip a node. */
export async function checkGoals(
  goals: readonly GoalRecord[],
  sessions: ReadonlyMap<string, Session>,
): Promise<readonly GoalState[]> {
  const targets = [...new Set(goals.map((goal) => goal.target))];
  const states = await Promise.all(targets.map((target) => checkTarget(target, goals, sessions.get(target))));
  return states.flat();
}

async function checkTarget(
  target: string,
  goals: readonly GoalRecord[],
  session: Session | undefined,
): Promise<readonly GoalState[]> {
  const mine = goals.filter((goal) => goal.target === target);
  if (session === undefined)
    return mine.map(({ name }) => ({ name, target, met: false, detail: "the node was not reached" }));
  const frames = await session.read(
    lines(
      // A shell of its own, so that a goal's syntax error or `exit` ends nothing else.
      ...mine.map((goal, index) => shellFunction(`goal_${index}`, { shell: `sh -c ${quote(goal.run)}` })),
      ...mine.map((_, index) => ({ shell: `frame ${index} goal goal_${index}` })),
    ),
  );
  return mine.map(({ name, contains }, index) => {
    const frame = frames.find((one) => one.name === "goal" && one.index === index);
    const printed = frame?.lines.join("\n") ?? "";
    if (frame?.code !== 0) return { name, target, met: false, detail: printed || `exit code ${frame?.code}` };
    const met = contains === undefined || printed.includes(contains);
    return { name, target, met, detail: met ? "" : `${JSON.stringify(contains)} was not printed` };
  });
}
