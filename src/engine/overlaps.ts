import { posix } from "node:path";
import { PreconditionError } from "../errors.ts";
import { machineOf } from "../inventory/enrolment.ts";
import type { InventoryNode } from "../inventory/types.ts";
import { kindOf } from "../operations/index.ts";
import type { Operation } from "../operations/operation.ts";
import { isThroughApi, itemsOf } from "./items.ts";
import type { StepPlan } from "./plan-step.ts";
import type { TargetRecord } from "./records.ts";
import { openRun, type Run, readOpenRuns, touchedTargets } from "./runs.ts";
import type { Session } from "./session.ts";
import { findingsOf } from "./undo.ts";

/** What a thing is called in an error. */
const nameOf = (thing: string) => thing.replace(/^[^:]*:/, "");

/** A run that may still have something in effect, and its log's content. */
interface Standing {
  readonly run: Run;
  readonly target: TargetRecord;
}

/** The open runs of a data folder, the oldest first, also those whose log is damaged. */
export const openRunsOf = (dataFolder: string): readonly Run[] =>
  readOpenRuns(dataFolder, { forUndo: true }).runs;

/** Those of the runs that stand on one machine. */
const standingOn = (runs: readonly Run[], machine: string): readonly Standing[] =>
  runs.flatMap((run) =>
    touchedTargets(run)
      .filter((target) => machineOf(target.identity) === machine && !isUndoneOn(run, target.name))
      .map((target) => ({ run, target })),
  );

/** Whether the run's last word on a target is that nothing is left. */
function isUndoneOn({ records }: Run, target: string): boolean {
  const last = records.findLast(
    (record) => (record.type === "undone" || record.type === "intent") && record.target === target,
  );
  return last?.type === "undone" && last.left === 0;
}

const ownedBy = (spec: Operation) => kindOf(spec).owns(spec);

/**
 * Refuses a plan that changes what an open run of the same data folder has changed and not put back: what was there
 * before is in that run's log, and its undo would find what this one made. What the node shows to be as it was does not
 * count.
 * @param open Of the data folder, asked for behind the reading of the node: what was read may be the change of a run that
 * has begun meanwhile.
 * @throws PreconditionError naming run, step and thing.
 */
export async function refuseOverlapsWithOpenRuns(
  dataFolder: string,
  open: readonly Run[],
  session: Session,
  steps: readonly StepPlan[],
): Promise<void> {
  const planned = new Map(
    steps.flatMap((step) =>
      step.operations.flatMap(({ spec }) => ownedBy(spec).map((thing) => [thing, step] as const)),
    ),
  );
  for (const { run, target } of standingOn(open, machineOf(session.identity))) {
    const items = itemsOf(run.records, target.name);
    if (!items.some(({ spec }) => ownedBy(spec).some((thing) => planned.has(thing)))) continue;
    const log = openRun(dataFolder, run.id, { readOnly: true, forUndo: true });
    log.close();
    const findings = await findingsOf(log, { ...session, name: target.name });
    for (const { item, verdict } of findings) {
      if (verdict === "fixed exactly") continue;
      for (const thing of ownedBy(item.spec)) {
        const step = planned.get(thing);
        if (step === undefined) continue;
        throw new PreconditionError(
          `${session.name}: ${item.intent.title} of the open run ${run.id} (${run.started.name}) and ${step.title} both change ${nameOf(thing)}`,
          { target: session.name, hint: `undo that run first: kbreak undo ${run.id}` },
        );
      }
    }
  }
}

/** The kinds of things that are a file's: whether it is there and what is in it, who may do what, its attribute flags. */
const ofFiles: readonly string[] = ["file", "mode", "flags"];

/**
 * Whether the undo of the one needs the other to be as it found it. The same thing, of course; but also another aspect of
 * the same file, as a file that was made immutable cannot be written and its mode comes back with its content; and what
 * is in a folder that was made, moved or locked.
 */
export function areEntangled(one: string, other: string): boolean {
  if (one === other) return true;
  const [first, second] = [one, other].map((thing) => {
    const colon = thing.indexOf(":");
    return { kind: thing.slice(0, colon), path: thing.slice(colon + 1) };
  });
  if (first === undefined || second === undefined) return false;
  if (!ofFiles.includes(first.kind) || !ofFiles.includes(second.kind)) return false;
  if (first.path === second.path) return true;
  return holds(first, second) || holds(second, first);
}

interface FileThing {
  readonly kind: string;
  readonly path: string;
}

/** A folder holds back what is in it: all of it when it is made or moved, its entries when it is locked. */
function holds(folder: FileThing, entry: FileThing): boolean {
  if (folder.kind === "file") return entry.path.startsWith(`${folder.path}/`);
  return folder.kind === "flags" && entry.kind === "file" && posix.dirname(entry.path) === folder.path;
}

/**
 * Refuses to undo a run under a newer one on the same thing, whose own undo would bring back what the older one has made.
 * @throws PreconditionError with the order to use.
 */
export function refuseUnderNewer(dataFolder: string, run: Run): void {
  const open = openRunsOf(dataFolder);
  for (const target of touchedTargets(run)) {
    const standing = standingOn(open, machineOf(target.identity));
    const mine = itemsOf(run.records, target.name).flatMap(({ spec }) => ownedBy(spec));
    const place = standing.findIndex((one) => one.run.id === run.id);
    // A damaged log can never be undone as a whole, and must not stand in the way for ever.
    const newer = place < 0 ? [] : standing.slice(place + 1).filter((one) => one.run.damage === undefined);
    for (const later of newer.toReversed()) {
      const items = itemsOf(later.run.records, later.target.name);
      const clash = items
        .flatMap(({ spec, intent }) => ownedBy(spec).map((thing) => ({ thing, intent })))
        .find(({ thing }) => mine.some((own) => areEntangled(own, thing)));
      if (clash === undefined) continue;
      throw new PreconditionError(
        `${target.name}: ${clash.intent.title} of the newer run ${later.run.id} (${later.run.started.name}) stands on what run ${run.id} has changed: ${nameOf(clash.thing)}`,
        {
          target: target.name,
          hint: `undo the newer one first: kbreak undo ${later.run.id}, then kbreak undo ${run.id}; kbreak undo --all keeps the order`,
        },
      );
    }
  }
}

/** Objects of one cluster's API that two of its nodes would change. */
export function sharedObjects(
  targets: readonly {
    readonly node: Pick<InventoryNode, "name" | "cluster">;
    readonly steps: readonly Pick<StepPlan, "operations">[];
  }[],
): readonly PreconditionError[] {
  const owners = new Map<string, string>();
  return targets.flatMap(({ node, steps }) =>
    steps
      .flatMap(({ operations }) => operations)
      .filter(isThroughApi)
      .flatMap(({ spec }) => kindOf(spec).owns(spec))
      .flatMap((thing) => {
        const key = `${node.cluster ?? ""} ${thing}`;
        const other = owners.get(key);
        owners.set(key, node.name);
        if (other === undefined || other === node.name) return [];
        return [
          new PreconditionError(`${other} and ${node.name} would both change ${nameOf(thing)}`, {
            target: node.name,
            hint: "objects of the API are the whole cluster's: name one of its control plane nodes",
          }),
        ];
      }),
  );
}
