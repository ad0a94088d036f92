import type { Break } from "../catalogue/break.ts";
import { ConnectError, EnrolmentError, KbreakError, messageOf, PreconditionError } from "../errors.ts";
import type { Facts } from "../facts.ts";
import { enrolledIdentity } from "../inventory/enrolment.ts";
import { select } from "../inventory/select.ts";
import type { Enrolment, Inventory, InventoryNode } from "../inventory/types.ts";
import { kindOf } from "../operations/index.ts";
import type { Danger } from "../operations/operation.ts";
import { isBreakStep, type Playbook } from "../playbook/types.ts";
import { type Context, sideBySide, startTask } from "./context.ts";
import { assignGoals, witnessesOf } from "./goal-plan.ts";
import { openRunsOf, refuseOverlapsWithOpenRuns, sharedObjects } from "./overlaps.ts";
import { type Assigned, planStep, readFacts, type SkippedStep, type StepPlan } from "./plan-step.ts";
import type { GoalRecord, Witness } from "./records.ts";
import type { Run } from "./runs.ts";
import { openSession, type Session } from "./session.ts";

/** What will be done to one node, with everything read that undo will need. */
export interface TargetPlan {
  readonly node: InventoryNode;
  readonly session: Session;
  readonly facts: Facts;
  readonly steps: readonly StepPlan[];
  readonly skipped: readonly SkippedStep[];
}

export interface Plan {
  readonly playbook: Playbook;
  readonly inventory: Inventory;
  readonly targets: readonly TargetPlan[];
  /** Nodes that could not be reached, and are left out. */
  readonly unreachable: readonly { readonly node: InventoryNode; readonly error: ConnectError }[];
  readonly goals: readonly GoalRecord[];
  /** Nodes that are asked about the goal only. */
  readonly witnesses: readonly Witness[];
}

export interface PlanRequest {
  readonly playbook: Playbook;
  readonly inventory: Inventory;
  readonly enrolment: Enrolment;
  readonly breaks: ReadonlyMap<string, Break>;
  /** A selection that narrows every step's targets. */
  readonly limit?: string;
  /** True: each node will keep something on its disk until the run is undone. */
  readonly lasting?: boolean;
}

/**
 * Reads what is there and says what would be done. Changes nothing.
 *
 * The caller closes the sessions of the plan's targets.
 * @throws PreconditionError naming everything that cannot be done, on whichever node; the sessions are closed then.
 */
export async function plan(request: PlanRequest, context: Context): Promise<Plan> {
  const work = assign(request);
  guard(request, [...work.keys()]);
  const goals = await assignGoals(request.playbook.goal, request.inventory);
  const witnesses = witnessesOf(goals, [...work.keys()], request.inventory, request.enrolment);
  const sessions: Session[] = [];
  const read = await sideBySide([...work], context.forks, async ([node, steps]) => {
    const task = startTask(context, node.name, "read", "read");
    const target = await orLeftOut(node, context, () => planTarget(node, steps, request, context, sessions));
    if ("error" in target) task.end("failed", messageOf(target.error));
    else task.end("done");
    return target;
  });
  let open: readonly Run[] | undefined;
  const results = await sideBySide(read, context.forks, (target) =>
    "error" in target
      ? Promise.resolve(target)
      : orLeftOut(target.node, context, async () => {
          open ??= openRunsOf(context.dataFolder);
          await refuseOverlapsWithOpenRuns(context.dataFolder, open, target.session, target.steps);
          return target;
        }),
  );
  const failed = results.filter((result) => "error" in result);
  const unreachable = failed.flatMap(({ node, error }) =>
    error instanceof ConnectError ? [{ node, error }] : [],
  );
  const targets = results.filter((result): result is TargetPlan => !("error" in result));
  const refused = [
    ...failed.flatMap(({ error }) => (error instanceof ConnectError ? [] : [error])),
    ...sharedObjects(targets),
  ];
  if (refused.length > 0) {
    await Promise.all(sessions.map((session) => session.close()));
    throw together(refused);
  }
  return {
    playbook: request.playbook,
    inventory: request.inventory,
    targets,
    unreachable,
    // A target that cannot be reached is left out with all that is asked there.
    goals: goals.filter(({ target }) => !unreachable.some(({ node }) => node.name === target)),
    witnesses,
  };
}

/** A node that cannot have its part of the plan. */
interface LeftOut {
  readonly node: InventoryNode;
  readonly error: unknown;
}

/** What `work` gives for a node, or why the node is left out. */
async function orLeftOut(
  node: InventoryNode,
  { logger }: Context,
  work: () => Promise<TargetPlan>,
): Promise<TargetPlan | LeftOut> {
  try {
    return await work();
  } catch (error) {
    logger.warn({ node: node.name, code: error instanceof KbreakError ? error.code : "error" }, "left out");
    return { node, error };
  }
}

/** One error that names every node that cannot be reached; `undefined` when there is none. */
export function unreachableError(unreachable: Plan["unreachable"]): ConnectError | undefined {
  const [first] = unreachable;
  if (first === undefined || unreachable.length === 1) return first?.error;
  const lines = unreachable.map(({ node, error }) => `${node.name}: ${error.message}`);
  return new ConnectError([`${unreachable.length} nodes cannot be reached`, ...lines].join("\n"), {
    hint: first.error.hint ?? "",
  });
}

/** One error for all that was refused; a single one keeps its class. */
function together(errors: readonly unknown[]): unknown {
  const [first] = errors;
  if (errors.length === 1 || !errors.every((error) => error instanceof PreconditionError)) return first;
  return new PreconditionError(errors.map((error) => error.message).join("\n"), {
    hint: errors[0]?.hint ?? "",
    target: errors.map((error) => error.target).join(", "),
  });
}

/** Which node gets which steps. */
function assign(request: PlanRequest): ReadonlyMap<InventoryNode, readonly Assigned[]> {
  const { inventory, playbook, limit } = request;
  const within = new Set(limit === undefined ? inventory.nodes : select(inventory, limit));
  const work = new Map<InventoryNode, Assigned[]>();
  for (const [index, step] of playbook.steps.entries()) {
    const found = isBreakStep(step) ? request.breaks.get(step.break) : undefined;
    const roles = found?.needs?.roles;
    const done = new Set<string | undefined>();
    for (const node of select(inventory, step.targets)) {
      // "all" means all that can have it; a node that is named is refused by its name.
      if (
        step.targets === "all" &&
        limit === undefined &&
        roles &&
        !roles.some((role) => node.roles.includes(role))
      )
        continue;
      if (!within.has(node)) continue;
      if (found?.needs?.target === "cluster") {
        if (done.has(node.cluster)) continue;
        done.add(node.cluster);
      }
      work.set(node, [...(work.get(node) ?? []), { index, step, break: found }]);
    }
  }
  return new Map(inventory.nodes.flatMap((node) => (work.has(node) ? [[node, work.get(node) ?? []]] : [])));
}

/** What needs no look at the nodes. @throws PreconditionError, EnrolmentError */
function guard(request: PlanRequest, nodes: readonly InventoryNode[]): void {
  const { inventory, enrolment } = request;
  if (nodes.length === 0)
    throw new PreconditionError("no node is left to break: the targets and --limit select none", {
      hint: "kbreak inventory list shows the nodes, their roles and groups",
    });
  const shielded = nodes.filter((node) => inventory.protected || node.protected).map((node) => node.name);
  if (shielded.length > 0)
    throw new PreconditionError(`protected, so never broken: ${shielded.join(", ")} (${inventory.file})`, {
      hint: "leave them out with --limit, or take `protected: true` out of the inventory",
    });
  if (inventory.maxTargets !== undefined && nodes.length > inventory.maxTargets)
    throw new PreconditionError(
      `${nodes.length} nodes would be broken, and the inventory allows ${inventory.maxTargets} (max_targets)`,
      { hint: "narrow the run with --limit" },
    );
  const strangers = nodes.filter((node) => enrolment.nodes[node.name] === undefined).map((node) => node.name);
  if (strangers.length > 0)
    throw new EnrolmentError(`not enrolled as a lab: ${strangers.join(", ")}`, {
      hint: `kbreak inventory enrol -i ${inventory.file}`,
    });
}

async function planTarget(
  node: InventoryNode,
  steps: readonly Assigned[],
  request: PlanRequest,
  context: Context,
  sessions: Session[],
): Promise<TargetPlan> {
  const identity = enrolledIdentity(request.inventory, request.enrolment, node.name);
  const session = await openSession(node, identity, context);
  sessions.push(session);
  const facts = await readFacts(session, node, steps, request.inventory);
  const planned: StepPlan[] = [];
  const skipped: SkippedStep[] = [];
  for (const assigned of steps) {
    const result = await planStep(node, session, facts, assigned, request.lasting);
    if ("reason" in result) {
      if (!assigned.step.optional)
        throw new PreconditionError(`${node.name}: ${result.title}: ${result.reason}`, {
          target: node.name,
          hint: "nothing was touched; leave the node out with --limit, or mark the step `optional: true`",
        });
      skipped.push(result);
    } else {
      refuseForbidden(node.name, result, request.playbook.rules.forbid);
      planned.push(result);
    }
  }
  refuseOverlaps(node.name, planned);
  return { node, session, facts, steps: planned, skipped };
}

/** A parameter can bring in a danger that its break does not declare. @throws PreconditionError */
function refuseForbidden(target: string, step: StepPlan, forbidden: readonly Danger[]): void {
  const dangers = step.operations.flatMap(({ spec }) => kindOf(spec).dangers(spec));
  const found = dangers.find((danger) => forbidden.includes(danger));
  if (found === undefined) return;
  throw new PreconditionError(
    `${target}: the playbook forbids \`${found}\`, and ${step.title} has it by its parameters`,
    { target, hint: "nothing was touched; change the step's parameters, or the playbook's rules" },
  );
}

/** @throws PreconditionError when two operations of the run own the same thing. */
function refuseOverlaps(target: string, steps: readonly StepPlan[]): void {
  const owners = new Map<string, string>();
  for (const step of steps) {
    for (const { spec } of step.operations) {
      for (const thing of kindOf(spec).owns(spec)) {
        const other = owners.get(thing);
        if (other !== undefined)
          throw new PreconditionError(
            `${target}: ${other} and ${step.title} both change ${thing.replace(/^[^:]*:/, "")}`,
            {
              target,
              hint: "give one of them another path by its parameters, or another target",
            },
          );
        owners.set(thing, step.title);
      }
    }
  }
}
