import { KbreakError, messageOf } from "../errors.ts";
import { lines, sh } from "../shell.ts";
import { askHttp, httpAnswer, httpProblem, httpScript } from "./goal-http.ts";
import { kubectlScript } from "./goal-kubectl.ts";
import type { GoalRecord } from "./records.ts";
import { complaint, type Frame, parseLines, shellFunction } from "./script.ts";
import type { Session } from "./session.ts";

export interface GoalState {
  readonly name: string;
  /** The node that it was asked on; `undefined`: from here. */
  readonly target: string | undefined;
  readonly met: boolean;
  /** What was answered or how it ended, when it is not met. */
  readonly detail: string;
}

/** The nodes that could be reached, and why the others could not. */
export type Reached = ReadonlyMap<string, Session | KbreakError>;

/** Asks every goal, in one round trip a node; one whose node was not reached is not met. */
export async function checkGoals(
  goals: readonly GoalRecord[],
  reached: Reached,
): Promise<readonly GoalState[]> {
  const targets = [...new Set(goals.map(({ target }) => target))];
  const states = await Promise.all(
    targets.map((target) => {
      const mine = goals.filter((goal) => goal.target === target);
      return target === undefined ? askFromHere(mine) : askNode(mine, reached.get(target));
    }),
  );
  return states.flat();
}

/** Seconds, for runs whose logs do not say it. */
const usualDeadline = 30;

function askFromHere(goals: readonly GoalRecord[]): Promise<readonly GoalState[]> {
  return Promise.all(
    goals.map(async (goal) => {
      if (!("http" in goal)) return stateOf(goal, "it can be asked on a node only");
      const answer = await askHttp(goal.http, (goal.deadline ?? usualDeadline) * 1000);
      return stateOf(goal, typeof answer === "string" ? answer : httpProblem(answer, goal));
    }),
  );
}

async function askNode(
  goals: readonly GoalRecord[],
  session: Session | KbreakError | undefined,
): Promise<readonly GoalState[]> {
  if (session === undefined || session instanceof Error) {
    const why = session === undefined ? "" : `: ${session.message}`;
    return goals.map((goal) => stateOf(goal, `the node was not reached${why}`));
  }
  try {
    const frames = await session.read(
      lines(
        ...goals.map((goal, index) => shellFunction(`goal_${index}`, scriptOf(goal))),
        ...goals.map((_, index) => ({ shell: `frame ${index} goal goal_${index}` })),
      ),
    );
    return goals.map((goal, index) => {
      const frame = frames.find((one) => one.name === "goal" && one.index === index);
      return stateOf(goal, frame === undefined ? "it was not answered" : problemOf(goal, frame));
    });
  } catch (error) {
    if (!(error instanceof KbreakError)) throw error;
    return goals.map((goal) => stateOf(goal, messageOf(error)));
  }
}

const stateOf = ({ name, target }: GoalRecord, problem: string | undefined): GoalState => ({
  name,
  target,
  met: problem === undefined,
  detail: problem ?? "",
});

function scriptOf(goal: GoalRecord) {
  const deadline = goal.deadline ?? usualDeadline;
  if ("http" in goal) return httpScript(goal.http, deadline);
  if ("kubectl" in goal) return kubectlScript(goal.kubectl, deadline);
  // A shell of its own, so that a goal's syntax error or `exit` ends nothing else.
  return sh`timeout -k 1 ${deadline} sh -c ${goal.run}`;
}

/** The exit code of `timeout` when time was up. */
const TIMED_OUT = 124;

/** Why a goal is not met, by what its node has answered; `undefined` when it is. */
function problemOf(goal: GoalRecord, frame: Frame): string | undefined {
  if (frame.code === TIMED_OUT)
    return `no answer within ${goal.deadline ?? usualDeadline} s${frame.lines.length === 0 ? "" : `: ${complaint(frame)}`}`;
  if ("run" in goal) {
    const printed = frame.lines.join("\n");
    return frame.code === 0 ? missing(printed, goal) : printed || `exit code ${frame.code}`;
  }
  if (frame.code !== 0) return complaint({ ...frame, lines: frame.lines.filter((line) => !isLog(line)) });
  const printed = Buffer.from(parseLines(frame.lines, "=").answer ?? "", "base64").toString("utf8");
  if ("kubectl" in goal) return printed.trim() === "" ? "kubectl found nothing" : missing(printed, goal);
  const answer = httpAnswer(printed);
  return answer === undefined ? complaint(frame) : httpProblem(answer, goal);
}

/** A line of kubectl's own log, which it writes for each attempt before it says in plain words what is the matter. */
const isLog = (line: string) => /^[EWI]\d{4} [\d:.]+ /.test(line);

function missing(printed: string, { contains }: GoalRecord): string | undefined {
  if (contains === undefined || printed.includes(contains)) return undefined;
  return `${JSON.stringify(contains)} was not printed`;
}
