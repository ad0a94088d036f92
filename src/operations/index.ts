import { type AttributesOperation, attributes } from "./attributes.ts";
import { type ClockOperation, clock } from "./clock.ts";
import { type EtcdFillOperation, etcdFill } from "./etcd-fill.ts";
import { type FileOperation, file } from "./file.ts";
import { type FirewallRuleOperation, firewallRule } from "./firewall-rule.ts";
import { type FolderOperation, folder } from "./folder.ts";
import { type LinkOperation, link } from "./link.ts";
import { type ModeOperation, mode } from "./mode.ts";
import { type MoveOperation, move } from "./move.ts";
import type { Operation, OperationKind } from "./operation.ts";
import { type ProcessOperation, process } from "./process.ts";
import { type QdiscOperation, qdisc } from "./qdisc.ts";
import { type SwapOperation, swap } from "./swap.ts";
import { type SysctlOperation, sysctl } from "./sysctl.ts";
import { type UnitOperation, unit } from "./unit.ts";

/** Every operation that a break or a playbook may list. */
export type AnyOperation =
  | AttributesOperation
  | ClockOperation
  | EtcdFillOperation
  | FileOperation
  | FirewallRuleOperation
  | FolderOperation
  | LinkOperation
  | ModeOperation
  | MoveOperation
  | ProcessOperation
  | QdiscOperation
  | SwapOperation
  | SysctlOperation
  | UnitOperation;

const all = [
  attributes,
  clock,
  etcdFill,
  file,
  firewallRule,
  folder,
  link,
  mode,
  move,
  process,
  qdisc,
  swap,
  sysctl,
  unit,
];

/** Every kind of operation by its name. */
export const kinds: ReadonlyMap<string, OperationKind> = new Map(
  all.map((kind) => [kind.kind, kind as unknown as OperationKind]),
);

/**
 * The kind of an operation.
 * @throws TypeError for an unknown one: operations are validated where they enter.
 */
export function kindOf(operation: Operation): OperationKind {
  const kind = kinds.get(operation.kind);
  if (kind === undefined) throw new TypeError(`unknown kind of operation \`${operation.kind}\``);
  return kind;
}
