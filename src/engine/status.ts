import { ConnectError, EnrolmentError, KbreakError, messageOf, RemoteError } from "../errors.ts";
import { kindOf } from "../operations/index.ts";
import type { Symptom } from "../probes/probe.ts";
import { type Context, sideBySide } from "./context.ts";
import { checkGoals, type GoalState } from "./goal.ts";
import type { Verdict } from "./records.ts";
import { clusterCheckOf } from "./run-changes.ts";
import type { Run } from "./runs.ts";
import { touchedTargets } from "./runs.ts";
import { openSession, type Session } from "./session.ts";
import { ttlLeft, ttlOf } from "./ttl.ts";
import { findingsOf, type ThreeTexts } from "./undo.ts";
import type { UndoLog } from "./undo-log.ts";
import type { Access } from "./undo-run.ts";
import { closeWitnesses, openWitnesses } from "./witnesses.ts";

/** A step of a run on one node, as it is now. */
export interface StepStatus {
  readonly target: string;
  readonly step: number;
  readonly title: string;
  readonly state:
    | "in effect"
    | "fixed"
    | "fixed differently"
    | "drifted"
    | "undone"
    | "unreachable"
    /** Another machine has the node's name, or its cluster was made anew. */
    | "replaced"
    | "unknown";
  /** `none`: the step has no probe, as operations that a playbook lists itself. */
  readonly symptom: Symptom | "none";
  readonly operations: readonly {
    readonly title: string;
    readonly verdict: Verdict;
    /** When they were asked for. */
    readonly texts?: ThreeTexts;
  }[];
}

export interface RunState {
  readonly run: string;
  readonly name: string;
  readonly status: Run["status"];
  readonly at: string;
  readonly steps: readonly StepStatus[];
  readonly goals: readonly GoalState[];
  /** The playbook's, for the host to hand out. */
  readonly hints: readonly string[];
  /** The nodes that undo the run by themselves, and in how many seconds; `null`: they have. Absent: none does. */
  readonly ttl?: readonly { readonly target: string; readonly left: number | null }[];
}

/** The verdicts of a step's operations as one word; the worst counts. */
export function stepState(verdicts: readonly Verdict[], undone: boolean): StepStatus["state"] {
  if (verdicts.includes("unknown")) return "unknown";
  if (verdicts.every((verdict) => verdict === "fixed exactly")) return undone ? "undone" : "fixed";
  if (verdicts.every((verdict) => verdict === "still broken")) return "in effect";
  if (verdicts.includes("drifted") || verdicts.includes("still broken")) return "drifted";
  return "fixed differently";
}

/**
 * Reads every node of a run: one connection and one round trip each, and one more where the goal is asked, or where the
 * node undoes the run by itself.
 * @param texts True: with the texts of files that the run has changed.
 */
export async function statusOf(
  run: Run,
  log: UndoLog,
  access: Access,
  context: Context,
  texts = false,
): Promise<RunState> {
  const touched = touchedTargets(run);
  const reached = new Map<string, Session | KbreakError>();
  const times: { readonly target: string; readonly left: number | null }[] = [];
  try {
    const steps = await sideBySide(touched, context.forks, async (target) => {
      const intents = run.records.filter((entry) => entry.type === "intent" && entry.target === target.name);
      try {
        const cluster = clusterCheckOf(run.records, target.name);
        const session = await openSession(access(target), target.identity, context, { cluster });
        reached.set(target.name, session);
        const ttl = ttlOf(run.records, target.name);
        if (ttl !== undefined)
          times.push({ target: target.name, left: (await ttlLeft(session, ttl)) ?? null });
        return await targetStatus(run, log, session, texts);
      } catch (caught) {
        const error = caught instanceof KbreakError ? caught : new RemoteError(messageOf(caught));
        if (!reached.has(target.name)) reached.set(target.name, error);
        context.emit({ type: "notice", target: target.name, message: error.message });
        const state = stateBehind(error);
        return intents.flatMap((intent) =>
          intent.type === "intent"
            ? [
                {
                  target: target.name,
                  step: intent.step,
                  title: intent.title,
                  state,
                  symptom: "unknown" as const,
                  operations: [],
                },
              ]
            : [],
        );
      }
    });
    const asked = new Set(run.started.goals.map(({ target }) => target));
    const others = [...run.started.targets, ...(run.started.witnesses ?? [])].filter(
      ({ name }) => asked.has(name) && !reached.has(name),
    );
    for (const [name, one] of await openWitnesses(others, access, context)) reached.set(name, one);
    const goals = await checkGoals(run.started.goals, reached);
    return {
      run: run.id,
      name: run.started.name,
      status: run.status,
      at: run.at,
      steps: steps.flat(),
      goals,
      hints: run.started.hints ?? [],
      ...(times.length === 0 ? {} : { ttl: times }),
    };
  } finally {
    await closeWitnesses(reached);
  }
}

/** What a node is that could not be looked at. */
function stateBehind(error: KbreakError): StepStatus["state"] {
  if (error instanceof ConnectError) return "unreachable";
  return error instanceof EnrolmentError ? "replaced" : "unknown";
}

async function targetStatus(
  run: Run,
  log: UndoLog,
  session: Session,
  texts: boolean,
): Promise<readonly StepStatus[]> {
  const findings = await findingsOf(log, session, texts);
  const steps = [...new Set(findings.map(({ item }) => item.intent.step))];
  const undone = run.records.some((entry) => entry.type === "undone" && entry.target === session.name);
  return steps.map((step) => {
    const mine = findings.filter(({ item }) => item.intent.step === step);
    return {
      target: session.name,
      step,
      title: mine[0]?.item.intent.title ?? "",
      state: stepState(
        mine.map(({ verdict }) => verdict),
        undone,
      ),
      symptom: mine[0]?.item.intent.symptom === undefined ? "none" : mine[0].symptom,
      operations: mine.map(({ item, verdict, texts: three }) => ({
        title: kindOf(item.spec).title(item.spec),
        verdict,
        ...(three === undefined ? {} : { texts: three }),
      })),
    };
  });
}
