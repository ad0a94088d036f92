import { type AtOperation, at } from "./at.ts";
import { type AttributesOperation, attributes } from "./attributes.ts";
import { type BallastOperation, ballast } from "./ballast.ts";
import { type ClockOperation, clock } from "./clock.ts";
import { type CronOperation, cron } from "./cron.ts";
import { type EtcdFillOperation, etcdFill } from "./etcd-fill.ts";
import { type FileOperation, file } from "./file.ts";
import { type FirewallRuleOperation, firewallRule } from "./firewall-rule.ts";
import { type FolderOperation, folder } from "./folder.ts";
import { type FreezeOperation, freeze } from "./freeze.ts";
import { type IoLimitOperation, ioLimit } from "./io-limit.ts";
import { type LeaseOperation, lease } from "./lease.ts";
import { type LinkOperation, link } from "./link.ts";
import { type ModeOperation, mode } from "./mode.ts";
import { type MountOperation, mount } from "./mount.ts";
import { type MoveOperation, move } from "./move.ts";
import { type NftTableOperation, nftTable } from "./nft-table.ts";
import { type ObjectOperation, object } from "./object.ts";
import { type ObjectFieldsOperation, objectFields } from "./object-fields.ts";
import { type ObjectGoneOperation, objectGone } from "./object-gone.ts";
import type { Operation, OperationKind } from "./operation.ts";
import { type PacketFilterOperation, packetFilter } from "./packet-filter.ts";
import { type PreloadOperation, preload } from "./preload.ts";
import { type ProcessOperation, process } from "./process.ts";
import { type QdiscOperation, qdisc } from "./qdisc.ts";
import { type ReplicasOperation, replicas } from "./replicas.ts";
import { type RouteOperation, route } from "./route.ts";
import { type SwapOperation, swap } from "./swap.ts";
import { type SysctlOperation, sysctl } from "./sysctl.ts";
import { type TaintOperation, taint } from "./taint.ts";
import { type UnitOperation, unit } from "./unit.ts";

/** Every operation that a break or a playbook may list. */
export type AnyOperation =
  | AtOperation
  | AttributesOperation
  | BallastOperation
  | ClockOperation
  | CronOperation
  | EtcdFillOperation
  | ObjectFieldsOperation
  | FileOperation
  | FirewallRuleOperation
  | FolderOperation
  | FreezeOperation
  | IoLimitOperation
  | LeaseOperation
  | LinkOperation
  | ModeOperation
  | MountOperation
  | MoveOperation
  | ObjectGoneOperation
  | ObjectOperation
  | PreloadOperation
  | NftTableOperation
  | PacketFilterOperation
  | ProcessOperation
  | QdiscOperation
  | RouteOperation
  | ReplicasOperation
  | SwapOperation
  | SysctlOperation
  | TaintOperation
  | UnitOperation;

const all = [
  at,
  attributes,
  ballast,
  clock,
  cron,
  etcdFill,
  file,
  firewallRule,
  folder,
  freeze,
  ioLimit,
  lease,
  link,
  mode,
  mount,
  move,
  object,
  objectFields,
  objectGone,
  preload,
  nftTable,
  packetFilter,
  process,
  qdisc,
  route,
  replicas,
  swap,
  sysctl,
  taint,
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
