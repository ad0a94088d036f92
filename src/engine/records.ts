import type { Identity, InventoryNode } from "../inventory/types.ts";
import type { Operation, State } from "../operations/operation.ts";
import type { KubectlQuestion } from "../playbook/types.ts";
import type { Symptom } from "../probes/probe.ts";
import type { NodeAccess } from "../transport/transport.ts";
import type { Switch, SwitchAnswer } from "./switch.ts";

/** The records of an undo log, in the order in which a run writes them. */
export type RunRecord =
  | RunStarted
  | Intent
  | Applied
  | SwitchRecord
  | TimeToLive
  | SymptomRecord
  | Failed
  | UndoStarted
  | FoldersDecided
  | Restored
  | Undone
  | Observed
  | RunEnded;

/** A probe as data, so that undo and status need no break. */
export interface ProbeRecord {
  readonly title: string;
  /** Text of its script, made by the quoting function. */
  readonly script: string;
  /** Seconds until it must have fired. */
  readonly patience: number;
}

/** A goal's probe on one node. */
export type GoalRecord = {
  readonly name: string;
  /** The node to ask on; absent: it is asked from here. */
  readonly target?: string;
  readonly contains?: string;
  /** Seconds. */
  readonly deadline?: number;
} & (
  | { readonly run: string }
  | { readonly http: string; readonly status: number }
  | { readonly kubectl: KubectlQuestion }
);

export interface RunStarted {
  readonly type: "run";
  readonly run: string;
  /** Name of the playbook, or id of the break. */
  readonly name: string;
  readonly inventory: string;
  readonly lab: string;
  readonly owner: { readonly user: string; readonly host: string; readonly pid: number };
  readonly targets: readonly TargetRecord[];
  readonly goals: readonly GoalRecord[];
  /** The playbook's, for the host; absent in a run of one break. */
  readonly hints?: readonly string[];
  /** The runs of its data folder that were open then, so older: a clock that is set back cannot hide that. */
  readonly after?: readonly string[];
  /** Nodes that are asked about the goal, and never changed. */
  readonly witnesses?: readonly Witness[];
}

export interface Witness {
  readonly name: string;
  readonly access: NodeAccess & Pick<InventoryNode, "cluster" | "zone">;
  readonly identity: Identity;
}

export interface TargetRecord extends Witness {
  /** How many steps it gets. */
  readonly steps: number;
}

/** An operation with all that undo needs: it is on the disk before anything is changed. */
export interface PlannedOperation {
  readonly spec: Operation;
  readonly token: string;
  readonly before: State;
}

/** Folders whose modification time a change moves, with that time as `touch -d` takes it. */
export type FolderTimes = Readonly<Record<string, string>>;

/** A moment by a node's own clock, which nobody sets: whole seconds since the boot with this id. */
export interface NodeClock {
  readonly boot: string;
  readonly uptime: number;
}

export interface Intent {
  readonly type: "intent";
  readonly target: string;
  /** Index in the playbook. */
  readonly step: number;
  readonly title: string;
  /** Id of the break; absent for operations that the playbook lists itself. */
  readonly break?: string;
  readonly operations: readonly PlannedOperation[];
  readonly folders: FolderTimes;
  /** Until then the change may still arrive at the node, and not after. */
  readonly expires: NodeClock;
  /** What the node puts the step back with by itself, unless it is cancelled; absent where nothing can be cut. */
  readonly guard?: Switch;
  readonly symptom?: ProbeRecord;
}

export interface Applied {
  readonly type: "applied";
  readonly target: string;
  readonly step: number;
  /** The state after, one per operation. */
  readonly states: readonly State[];
  /** The folders' times just before and after the change. */
  readonly found: FolderTimes;
  readonly left: FolderTimes;
}

/** When the node undoes the run by itself. The last record of a target counts. */
export interface TimeToLive {
  readonly type: "ttl";
  readonly target: string;
  /** Marks its process, and names what it keeps on the disk. */
  readonly token: string;
  /** From when it is armed. Absent: not any more. */
  readonly seconds?: number;
}

/** The switch of a step is no longer on the node. */
export interface SwitchRecord {
  readonly type: "switch";
  readonly target: string;
  readonly step: number;
  readonly answer: SwitchAnswer;
}

export interface SymptomRecord {
  readonly type: "symptom";
  readonly target: string;
  readonly step: number;
  readonly symptom: Symptom;
  /** Seconds that it took to show. */
  readonly after: number;
}

export interface Failed {
  readonly type: "failed";
  readonly target: string;
  readonly step: number;
  readonly code: string;
  readonly message: string;
  /** Positions of the step's operations that the node has said it did not begin: undo leaves them alone. */
  readonly untouched: readonly number[];
  /** True when the node has answered: nothing of the step is on its way any more. */
  readonly answered: boolean;
  /** The folders' times just before and after what was changed of the step; empty when the node did not say. */
  readonly found: FolderTimes;
  readonly left: FolderTimes;
}

export interface UndoStarted {
  readonly type: "undo";
  readonly targets: readonly string[];
  readonly exact: boolean;
}

/** Which folders' times are put back: decided once, as the undo itself moves them. */
export interface FoldersDecided {
  readonly type: "folders";
  readonly target: string;
  readonly folders: FolderTimes;
}

export type Verdict = "still broken" | "fixed exactly" | "drifted" | "fixed differently" | "unknown";

export interface Restored {
  readonly type: "restored";
  readonly target: string;
  readonly step: number;
  /** One per operation: what was found, and whether it was kept. */
  readonly operations: readonly { readonly verdict: Verdict; readonly kept: boolean }[];
}

export interface Undone {
  readonly type: "undone";
  readonly target: string;
  /** Operations that a person fixed in another way, and that were kept. */
  readonly kept: number;
  /** Operations that could not be restored. */
  readonly left: number;
}

/** What `status --watch` saw change: when a break was fixed, or came back. */
export interface Observed {
  readonly type: "observed";
  readonly target: string;
  readonly step: number;
  readonly state: string;
}

/**
 * `gone`: its practice nodes were removed, so there is nothing left that could be undone. `rolled back`: a step cut the
 * way to its node, which put it back by itself, and the rest was undone. `forgotten`: a person said that nothing of it is
 * to be undone any more.
 */
export interface RunEnded {
  readonly type: "end";
  readonly outcome:
    | "applied"
    | "failed"
    | "interrupted"
    | "undone"
    | "rolled back"
    | "undo incomplete"
    | "gone"
    | "forgotten";
}
