import { createHash, randomBytes } from "node:crypto";
import type { Break } from "../catalogue/break.ts";
import { ConnectError, EnrolmentError, PreconditionError } from "../errors.ts";
import type { Facts } from "../facts.ts";
import { enrolledIdentity } from "../inventory/enrolment.ts";
import { select } from "../inventory/select.ts";
import type { Enrolment, Inventory, InventoryNode } from "../inventory/types.ts";
import { kindOf } from "../operations/index.ts";
import type { Held, Operation, Preview, State } from "../operations/operation.ts";
import { isBreakStep, type Playbook, type Step } from "../playbook/types.ts";
import type { Probe } from "../probes/probe.ts";
import { type Context, sideBySide, startTask } from "./context.ts";
import { type FactsRequest, factsScript, parseFacts } from "./facts.ts";
import type { FolderTimes, GoalRecord, PlannedOperation } from "./records.ts";
import { openSession, type Session } from "./session.ts";
import { foldersOf, indexed, lookOf, lookScript, symptomFrom } from "./step-script.ts";

/** What will be done to one node, with everything read that undo will need. */
export interface TargetPlan {
  readonly node: InventoryNode;
  readonly session: Session;
  readonly facts: Facts;
  readonly steps: readonly StepPlan[];
  readonly skipped: readonly SkippedStep[];
}

export interface StepPlan {
  /** Index in the playbook. */
  readonly index: number;
  readonly title: string;
  readonly break: Break | undefined;
  readonly operations: readonly PlannedOperation[];
  readonly previews: readonly Preview[];
  /** Pre-images by SHA-256. */
  readonly contents: ReadonlyMap<string, Buffer>;
  readonly folders: FolderTimes;
  readonly symptom: Probe | undefined;
}

export interface SkippedStep {
  readonly index: number;
  readonly title: string;
  readonly reason: string;
}

export interface Plan {
  readonly playbook: Playbook;
  readonly inventory: Inventory;
  readonly targets: readonly TargetPlan[];
  /** Nodes that could not be reached, and are left out. */
  readonly unreachable: readonly { readonly node: InventoryNode; readonly error: ConnectError }[];
  readonly goals: readonly GoalRecord[];
}

export interface PlanRequest {
  readonly playbook: Playbook;
  readonly inventory: Inventory;
  readonly enrolment: Enrolment;
  readonly breaks: ReadonlyMap<string, Break>;
  /** A selection that narrows every step's targets. */
  readonly limit?: string;
}

/** A step of the playbook on one node, before anything is known of the node. */
interface Assigned {
  readonly index: number;
  readonly step: Step;
  readonly break: Break | undefined;
}

/** The content behind a pre-image, and the token, for one operation. */
export function heldBy(token: string, content: (sha256: string) => Buffer | undefined): Held {
  return {
    token,
    content(sha256) {
      const bytes = content(sha256);
      if (bytes === undefined) throw new TypeError(`the content ${sha256} was not read`);
      return bytes;
    },
  };
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
  const sessions: Session[] = [];
  const results = await sideBySide([...work], context.forks, async ([node, steps]) => {
    const task = startTask(context, node.name, "read", "read");
    try {
      const target = await planTarget(node, steps, request, context, sessions);
      task.end("done");
      return target;
    } catch (error) {
      task.end("failed", error instanceof Error ? error.message : String(error));
      return { node, error };
    }
  });
  const failed = results.filter((result) => "error" in result);
  const unreachable = failed.flatMap(({ node, error }) =>
    error instanceof ConnectError ? [{ node, error }] : [],
  );
  const refused = failed.flatMap(({ error }) => (error instanceof ConnectError ? [] : [error]));
  const targets = results.filter((result): result is TargetPlan => !("error" in result));
  if (refused.length > 0) {
    await Promise.all(sessions.map((session) => session.close()));
    throw together(refused);
  }
  return {
    playbook: request.playbook,
    inventory: request.inventory,
    targets,
    unreachable,
    goals: goalsOf(request, targets),
  };
}

/** One error for all that was refused; a single one keeps its class. */
function together(errors: readonly unknown[]): unknown {
  const [first] = errors;
  if (errors.length === 1 || !errors.every((error) => error instanceof PreconditionError)) return first;
  return new PreconditionError(errors.map((error) => error.message).join("\n"), {
    hint: errors[0]?.hint ?? "",
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
    for (const node of select(inventory, step.targets)) {
      // "all" means all that can have it; a node that is named is refused by its name.
      if (
        step.targets === "all" &&
        limit === undefined &&
        roles &&
        !roles.some((role) => node.roles.includes(role))
      )
        continue;
      if (within.has(node)) work.set(node, [...(work.get(node) ?? []), { index, step, break: found }]);
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
    const result = await planStep(node, session, facts, assigned);
    if ("reason" in result) {
      if (!assigned.step.optional)
        throw new PreconditionError(`${node.name}: ${result.title}: ${result.reason}`, {
          target: node.name,
          hint: "nothing was touched; leave the node out with --limit, or mark the step `optional: true`",
        });
      skipped.push(result);
    } else planned.push(result);
  }
  refuseOverlaps(node.name, planned);
  return { node, session, facts, steps: planned, skipped };
}

/** One round trip for all that any step wants to know. */
async function readFacts(
  session: Session,
  node: InventoryNode,
  steps: readonly Assigned[],
  inventory: Inventory,
): Promise<Facts> {
  const files = steps.flatMap(({ step, break: found }) =>
    found?.reads && isBreakStep(step) ? found.reads(step.params as never) : [],
  );
  const declared = steps.flatMap(({ break: found }) => found?.needs?.commands ?? []);
  const request: FactsRequest = {
    programs: [...new Set([...declared, ...everyProgram])],
    files: [...new Set(files)],
  };
  const frames = await session.read(factsScript(request));
  return parseFacts(frames, request, { node: node.name, roles: node.roles, keepPorts: inventory.keep.ports });
}

/** What any operation or probe may call; asked for at once, as facts are read before the operations are known. */
const everyProgram: readonly string[] = [
  ...[
    "base64",
    "chattr",
    "chmod",
    "chown",
    "crictl",
    "etcdctl",
    "flock",
    "grep",
    "kubectl",
    "lsattr",
    "mv",
    "ping",
  ],
  ...["setsid", "sha256sum", "stat", "sync", "systemctl", "tc", "unshare"],
];

async function planStep(
  node: InventoryNode,
  session: Session,
  facts: Facts,
  assigned: Assigned,
): Promise<StepPlan | SkippedStep> {
  const { step, index, break: found } = assigned;
  const title = step.name;
  const skip = (reason: string): SkippedStep => ({ index, title, reason });
  const unfit = found && isBreakStep(step) ? misfit(found, step.params, facts, node) : undefined;
  if (unfit !== undefined) return skip(unfit);
  const specs: readonly Operation[] =
    found && isBreakStep(step)
      ? found.operations(step.params as never, facts)
      : "operations" in step
        ? step.operations
        : [];
  const symptom = found && isBreakStep(step) ? found.symptom(step.params as never, facts) : undefined;
  const needed = [...specs.flatMap((spec) => kindOf(spec).commands(spec)), ...(symptom?.commands ?? [])];
  const missing = missingPrograms(needed, facts);
  if (missing.length > 0) return skip(`missing on the node: ${missing.join(", ")}`);
  return readStep(session, { index, title, break: found, symptom }, specs);
}

function missingPrograms(needed: readonly string[], facts: Facts): readonly string[] {
  const asked = new Set(everyProgram);
  return [...new Set(needed)].filter((name) => asked.has(name) && !facts.programs.includes(name));
}

/** Why a break does not fit the node. */
function misfit(found: Break, parameters: unknown, facts: Facts, node: InventoryNode): string | undefined {
  const { roles, kernel, commands = [] } = found.needs ?? {};
  if (roles && !roles.some((role) => facts.roles.includes(role)))
    return `it is for ${roles.join(" or ")} nodes, and ${node.name} is a ${facts.roles.join(", ")}`;
  if (kernel === "own" && !facts.ownKernel)
    return `it reaches the whole kernel, and ${node.name} shares its kernel with others`;
  const missing = commands.filter((name) => !facts.programs.includes(name));
  if (missing.length > 0) return `missing on the node: ${missing.join(", ")}`;
  return found.refusal?.(parameters as never, facts);
}

async function readStep(
  session: Session,
  step: Pick<StepPlan, "index" | "title" | "break" | "symptom">,
  specs: readonly Operation[],
): Promise<StepPlan | SkippedStep> {
  const skip = (reason: string): SkippedStep => ({ index: step.index, title: step.title, reason });
  const fresh = specs.map((spec) => ({ spec, token: randomBytes(9).toString("hex"), before: nothing }));
  const operations = indexed(fresh, 0);
  const folders = [...new Set(specs.flatMap((spec) => kindOf(spec).folders(spec)))];
  const frames = await session.read(
    lookScript({
      operations,
      folders,
      probes: step.symptom ? [{ index: 0, script: step.symptom.script }] : [],
      content: true,
    }),
  );
  const contents = new Map<string, Buffer>();
  const planned: PlannedOperation[] = [];
  const previews: Preview[] = [];
  for (const { index, spec, token } of operations) {
    const look = lookOf(frames, index);
    const kind = kindOf(spec);
    if (look.state === undefined) return skip(`${kind.title(spec)}: it cannot be read: ${look.complaint}`);
    const before = withoutContent(look.state, contents);
    if (before === undefined) return skip(`${kind.title(spec)}: it changed while it was being read`);
    const held = heldBy(token, (sha256) => contents.get(sha256));
    const refusal = kind.refusal(spec, before, held);
    if (refusal !== undefined) return skip(refusal);
    if (!kind.restored(spec, before, before))
      return skip(`${kind.title(spec)}: the state that it has now could not be put back`);
    planned.push({ spec, token, before });
    previews.push(kind.preview(spec, before, held));
  }
  if (step.symptom) {
    const symptom = symptomFrom(frames, 0);
    if (symptom === "seen") return skip(`its symptom is there already: ${step.symptom.title}`);
    if (symptom === "unknown") return skip(`its symptom cannot be told on this node: ${step.symptom.title}`);
  }
  return { ...step, operations: planned, previews, contents, folders: foldersOf(frames, "folders") };
}

const nothing: State = { values: {}, notes: {} };

/** Takes the bytes out of a state; `undefined` when they are not those of the state's hash. */
function withoutContent(state: State, contents: Map<string, Buffer>): State | undefined {
  const { content, ...notes } = state.notes;
  if (content !== undefined) {
    const bytes = Buffer.from(content, "base64");
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (sha256 !== state.values.sha256) return undefined;
    contents.set(sha256, bytes);
  }
  return { values: state.values, notes };
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

/** The goal's probes on the nodes where they are to be asked. */
function goalsOf(request: PlanRequest, targets: readonly TargetPlan[]): readonly GoalRecord[] {
  const reached = new Set(targets.map((target) => target.node.name));
  return request.playbook.goal.flatMap((goal) =>
    select(request.inventory, goal.on)
      .filter((node) => reached.has(node.name))
      .map((node) => ({
        name: goal.name,
        target: node.name,
        run: goal.run,
        ...(goal.contains === undefined ? {} : { contains: goal.contains }),
      })),
  );
}
