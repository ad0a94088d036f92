import { createHash, randomBytes } from "node:crypto";
import type { Break } from "../catalogue/break.ts";
import type { Facts } from "../facts.ts";
import type { Inventory, InventoryNode } from "../inventory/types.ts";
import { kindOf } from "../operations/index.ts";
import type { Held, Operation, Preview, State } from "../operations/operation.ts";
import { isBreakStep, type Step } from "../playbook/types.ts";
import type { Probe } from "../probes/probe.ts";
import { type FactsRequest, factsScript, parseFacts, programsFrom, programsScript } from "./facts.ts";
import type { FolderTimes, PlannedOperation } from "./records.ts";
import type { Session } from "./session.ts";
import { foldersOf, indexed, lookOf, lookScript, symptomFrom } from "./step-script.ts";
import { cutsLastingly, switchFolders, switchFor } from "./switch.ts";

/** One step of a run on one node, with everything read that undo will need. */
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

/** A step of the playbook on one node, before anything is known of the node. */
export interface Assigned {
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

/** One round trip for all that any step wants to know. */
export async function readFacts(
  session: Session,
  node: InventoryNode,
  steps: readonly Assigned[],
  inventory: Inventory,
): Promise<Facts> {
  const files = steps.flatMap(({ step, break: found }) =>
    found?.reads && isBreakStep(step) ? found.reads(step.params as never) : [],
  );
  const objects = steps.flatMap(({ step, break: found }) =>
    found?.asks && isBreakStep(step) ? found.asks(step.params as never) : [],
  );
  const declared = steps.flatMap(({ break: found }) => found?.needs?.commands ?? []);
  const wanted = steps.flatMap(({ step, break: found }) =>
    found?.programs && isBreakStep(step) ? found.programs(step.params as never) : [],
  );
  const request: FactsRequest = {
    programs: [...new Set([...declared, ...wanted, ...everyProgram])],
    files: [...new Set(files)],
    api: steps.some(({ break: found }) => found?.needs?.target === "cluster"),
    objects: [...new Set(objects)],
  };
  const frames = await session.read(factsScript(request));
  return parseFacts(frames, request, { node: node.name, roles: node.roles, keepPorts: inventory.keep.ports });
}

/** What most operations and probes call; asked for with the facts, which are read before the operations are known. */
const everyProgram: readonly string[] = [
  ...[
    "at",
    "base64",
    "bash",
    "chattr",
    "chmod",
    "chown",
    "crictl",
    "dd",
    "etcdctl",
    "fallocate",
    "flock",
    "grep",
    "ip",
    "ip6tables",
    "iptables",
    "kubectl",
    "lsattr",
    "mkswap",
    "mount",
    "mv",
    "nc",
    "od",
    "openssl",
    "ping",
  ],
  ...[
    "setsid",
    "sha256sum",
    "stat",
    "swapoff",
    "swapon",
    "sync",
    "systemctl",
    "tc",
    "truncate",
    "umount",
    "unshare",
  ],
];

/**
 * What a step would do on the node, or why it cannot be done there. One round trip.
 * @param lasting True: the node will keep a switch on its disk while the run lasts.
 */
export async function planStep(
  node: InventoryNode,
  session: Session,
  facts: Facts,
  assigned: Assigned,
  lasting = false,
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
  if (!facts.ownKernel && specs.some((spec) => kindOf(spec).reach(spec) === "kernel"))
    return skip(sharedKernel(node));
  const symptom = found && isBreakStep(step) ? found.symptom(step.params as never, facts) : undefined;
  const needed = [
    ...specs.flatMap((spec) => kindOf(spec).commands(spec)),
    ...(symptom?.commands ?? []),
    ...(switchFor(specs, 0) === undefined ? [] : ["setsid"]),
  ];
  const missing = await missingPrograms(session, needed, facts);
  if (missing.length > 0) return skip(`missing on the node: ${missing.join(", ")}`);
  return readStep(session, { index, title, break: found, symptom }, specs, lasting || cutsLastingly(specs));
}

/** What is not on the node of that which is needed. What a break brings itself has a path, and is there in time. */
async function missingPrograms(
  session: Session,
  needed: readonly string[],
  facts: Facts,
): Promise<readonly string[]> {
  const absent = [...new Set(needed)].filter((name) => !name.includes("/") && !(name in facts.programs));
  const unasked = absent.filter((name) => !everyProgram.includes(name));
  if (unasked.length === 0) return absent;
  const found = programsFrom(await session.read(programsScript(unasked)));
  return absent.filter((name) => !(name in found));
}

const sharedKernel = (node: InventoryNode) =>
  `it reaches the whole kernel, and ${node.name} shares its kernel with others`;

/** Why a break does not fit the node. */
function misfit(found: Break, parameters: unknown, facts: Facts, node: InventoryNode): string | undefined {
  const { roles, kernel, commands = [], units = [], target } = found.needs ?? {};
  if (roles && !roles.some((role) => facts.roles.includes(role)))
    return `it is for ${roles.join(" or ")} nodes, and ${node.name} is a ${facts.roles.join(", ")}`;
  if (kernel === "own" && !facts.ownKernel) return sharedKernel(node);
  const missing = commands.filter((name) => !(name in facts.programs));
  if (missing.length > 0) return `missing on the node: ${missing.join(", ")}`;
  if (target === "cluster" && !facts.apiAnswers)
    return `no API server answers the administrator on ${node.name}`;
  const asleep = units.filter((name) => !facts.activeUnits.includes(name));
  if (asleep.length > 0) return `${asleep.join(", ")} does not run on ${node.name}`;
  return found.refusal?.(parameters as never, facts);
}

async function readStep(
  session: Session,
  step: Pick<StepPlan, "index" | "title" | "break" | "symptom">,
  specs: readonly Operation[],
  lasting: boolean,
): Promise<StepPlan | SkippedStep> {
  const skip = (reason: string): SkippedStep => ({ index: step.index, title: step.title, reason });
  const fresh = specs.map((spec) => ({ spec, token: randomBytes(9).toString("hex"), before: nothing }));
  const operations = indexed(fresh, 0);
  const changed = specs.flatMap((spec) => kindOf(spec).folders(spec));
  const folders = [...new Set([...changed, ...(lasting ? switchFolders : [])])];
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
