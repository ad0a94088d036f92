import { type ClusterCheck, clusterCheck } from "../inventory/authorities.ts";
import { kindOf } from "../operations/index.ts";
import type { RunRecord } from "./records.ts";
import { intentsOf, type Run, touchedTargets } from "./runs.ts";

/** Something that a run may have changed and no undo has put back. */
export interface Unrestored {
  readonly target: string;
  /** Index of the step in the playbook. */
  readonly step: number;
  /** What the operation does, which may spoil the puzzle. */
  readonly title: string;
}

/** What a run has left changed, by its log alone: a target that was undone to its end has nothing. */
export function unrestoredOf(run: Run): readonly Unrestored[] {
  return touchedTargets(run).flatMap(({ name }) => {
    const mine = run.records.filter((record) => "target" in record && record.target === name);
    const undone = mine.findLast((record) => record.type === "undone");
    if (undone?.type === "undone" && undone.left === 0) return [];
    return intentsOf(run, name).flatMap(({ step, operations }) => {
      const failed = mine.find((record) => record.type === "failed" && record.step === step);
      const untouched = failed?.type === "failed" ? failed.untouched : [];
      return operations
        .filter((_, position) => !untouched.includes(position))
        .map(({ spec }) => ({ target: name, step, title: kindOf(spec).title(spec) }));
    });
  });
}

/** By what the cluster of a target is known that the run itself has not changed. */
export function clusterCheckOf(records: readonly RunRecord[], target: string): ClusterCheck {
  const identities = records.flatMap((record) =>
    record.type === "run"
      ? record.targets.flatMap(({ name, identity }) => (name === target ? [identity] : []))
      : [],
  );
  const changed = records
    .flatMap((record) => (record.type === "intent" && record.target === target ? record.operations : []))
    .flatMap(({ spec }) => kindOf(spec).owns(spec))
    .flatMap((thing) => /^(?:file|mount):(.*)$/s.exec(thing)?.[1] ?? []);
  return clusterCheck(identities[0] ?? {}, changed);
}
