import { UndoLogError } from "../errors.ts";
import { kindOf } from "../operations/index.ts";
import type { Held, State } from "../operations/operation.ts";
import type { Symptom } from "../probes/probe.ts";
import type { PlannedOperation, Verdict } from "./records.ts";

/** What is known of one operation when undo or status looks at it. */
export interface Finding {
  readonly operation: PlannedOperation;
  /** `undefined`: it could not be read. */
  readonly now: State | undefined;
  readonly symptom: Symptom;
  /** True when our own change or restoration of it was cut off: a state in between is ours, not a person's. */
  readonly halfDone: boolean;
}

/** The table of design.md as a function. */
export function verdictOf(finding: Finding, held: Held): Verdict {
  const { operation, now } = finding;
  const kind = kindOf(operation.spec);
  if (now === undefined) return "unknown";
  if (kind.gone(operation.spec, operation.before, now)) return "drifted";
  if (kind.restored(operation.spec, operation.before, now)) return "fixed exactly";
  const inEffect = isInEffect(operation, now, held);
  if (inEffect === undefined) return "unknown";
  if (inEffect) return "still broken";
  if (kind.remains(operation.spec, operation.before, now)) return "drifted";
  if (finding.halfDone && kind.halfway(operation.spec, operation.before, now)) return "drifted";
  return finding.symptom === "quiet" ? "fixed differently" : "drifted";
}

/** `undefined` when the pre-image is lost by which it could be told. */
function isInEffect({ spec, before }: PlannedOperation, now: State, held: Held): boolean | undefined {
  try {
    return kindOf(spec).inEffect(spec, before, now, held);
  } catch (error) {
    if (error instanceof UndoLogError) return undefined;
    throw error;
  }
}

/** Whether undo restores it. What a person fixed in another way stays, unless everything is to be as it was exactly. */
export function isRestored(verdict: Verdict, exact: boolean): boolean {
  return verdict !== "fixed exactly" && (verdict !== "fixed differently" || exact);
}
