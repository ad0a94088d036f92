import type { AtOperation } from "./at.ts";
import type { AttributesOperation } from "./attributes.ts";
import type { BallastOperation } from "./ballast.ts";
import type { ClockOperation } from "./clock.ts";
import type { CronOperation } from "./cron.ts";
import type { EtcdFillOperation } from "./etcd-fill.ts";
import type { FileOperation } from "./file.ts";
import type { FirewallRuleOperation } from "./firewall-rule.ts";
import type { FolderOperation } from "./folder.ts";
import type { FreezeOperation } from "./freeze.ts";
import type { IoLimitOperation } from "./io-limit.ts";
import type { LeaseOperation } from "./lease.ts";
import type { LinkOperation } from "./link.ts";
import type { ModeOperation } from "./mode.ts";
import type { MountOperation } from "./mount.ts";
import type { MoveOperation } from "./move.ts";
import type { NftTableOperation } from "./nft-table.ts";
import type { Manifest, ObjectOperation } from "./object.ts";
import type { ObjectFieldsOperation } from "./object-fields.ts";
import type { ObjectGoneOperation } from "./object-gone.ts";
import { namespaced, type ObjectRef } from "./object-ref.ts";
import type { PacketFilterOperation } from "./packet-filter.ts";
import type { PreloadOperation } from "./preload.ts";
import type { ProcessOperation } from "./process.ts";
import type { QdiscOperation } from "./qdisc.ts";
import type { ReplicasOperation } from "./replicas.ts";
import type { RouteOperation } from "./route.ts";
import type { SwapOperation } from "./swap.ts";
import type { SysctlOperation } from "./sysctl.ts";
import type { TaintOperation } from "./taint.ts";
import type { UnitOperation } from "./unit.ts";

type FileOptions = Pick<FileOperation, "mode" | "grows" | "actor" | "reload" | "restart" | "pod">;

/** Creates or replaces a file with `content`. */
export function writeFile(path: string, content: string, options: FileOptions = {}): FileOperation {
  return { kind: "file", path, content, ...options };
}

/** Replaces pieces of a file; each `find` must be there exactly once. */
export function editFile(
  path: string,
  replace: NonNullable<FileOperation["replace"]>,
  options: FileOptions = {},
): FileOperation {
  return { kind: "file", path, replace, ...options };
}

/** Adds lines at the end of a file, or makes it of them. */
export function appendFile(path: string, append: string, options: FileOptions = {}): FileOperation {
  return { kind: "file", path, append, ...options };
}

/** Makes `path` a symbolic link to `target`. */
export function linkFile(path: string, target: string, options: FileOptions = {}): FileOperation {
  return { kind: "file", path, symlink: target, ...options };
}

/** Removes a file or link. */
export function removeFile(path: string, options: FileOptions = {}): FileOperation {
  return { kind: "file", path, absent: true, ...options };
}

/** Creates a folder. */
export function folder(path: string, mode?: string): FolderOperation {
  return { kind: "folder", path, ...(mode === undefined ? {} : { mode }) };
}

/** Renames a file or folder aside, on the same file system. */
export function move(path: string, to: string): MoveOperation {
  return { kind: "move", path, to };
}

/** Adds attribute flags (`i`, `a`) as `chattr` does. */
export function attributes(path: string, add: string): AttributesOperation {
  return { kind: "attributes", path, add };
}

/** Changes mode (octal) or owner (`uid:gid`). */
export function mode(path: string, change: Pick<ModeOperation, "mode" | "owner">): ModeOperation {
  return { kind: "mode", path, ...change };
}

/** Starts or stops a unit, and enables, disables or masks it. */
export function unit(name: string, change: Pick<UnitOperation, "active" | "enabled">): UnitOperation {
  return { kind: "unit", unit: name, ...change };
}

/** Starts a process in the background. */
export function process(...command: readonly string[]): ProcessOperation {
  return { kind: "process", command };
}

/** Shapes what leaves a device. */
export function qdisc(
  device: string,
  discipline: readonly string[],
  options: Pick<QdiscOperation, "ports" | "peers" | "spare"> = {},
): QdiscOperation {
  return { kind: "qdisc", device, discipline, ...options };
}

/** Changes a kernel setting, by the name and in the words of sysctl. */
export function sysctl(name: string, value: string | number): SysctlOperation {
  return { kind: "sysctl", name, value: String(value) };
}

/** Changes the MTU of a network device, or sets it down. */
export function link(
  device: string,
  change: { readonly mtu: number } | { readonly state: "down" },
): LinkOperation {
  return { kind: "link", device, ...change };
}

/** Adds a rule of iptables, in its words behind `-A CHAIN`; the first of the chain `INPUT` of `filter` by default. */
export function firewallRule(
  rule: readonly string[],
  options: Partial<Omit<FirewallRuleOperation, "kind" | "rule">> = {},
): FirewallRuleOperation {
  return { kind: "firewall-rule", chain: "INPUT", ...options, rule };
}

/** Adds a table of nftables; it is for IPv4 and IPv6 by default. */
export function nftTable(
  table: string,
  chains: NftTableOperation["chains"],
  family: NonNullable<NftTableOperation["family"]> = "inet",
): NftTableOperation {
  return { kind: "nft-table", family, table, chains };
}

/** Adds a route that leads nowhere. */
export function route(type: RouteOperation["type"], destination: string): RouteOperation {
  return { kind: "route", type, destination };
}

/** Lets a program of classic BPF, such as that of `dropPort`, decide on a device's packets. */
export function packetFilter(
  device: string,
  side: PacketFilterOperation["side"],
  bytecode: string,
): PacketFilterOperation {
  return { kind: "packet-filter", device, side, bytecode };
}

/** Freezes all processes of a unit. */
export function freeze(name: string): FreezeOperation {
  return { kind: "freeze", unit: name };
}

/** Limits how often a program may write to a disk. */
export function ioLimit(limit: Omit<IoLimitOperation, "kind">): IoLimitOperation {
  return { kind: "io-limit", ...limit };
}

/** Fills etcd with keys of our own until it raises its NOSPACE alarm. */
export function etcdFill(options: Omit<EtcdFillOperation, "kind">): EtcdFillOperation {
  return { kind: "etcd-fill", ...options };
}

/** Moves the system clock by so many seconds: forward, or backward when negative. */
export function clock(skew: number): ClockOperation {
  return { kind: "clock", skew };
}

/** Makes a swap file of so many MiB and uses it. */
export function swap(path: string, mebibytes: number): SwapOperation {
  return { kind: "swap", path, mebibytes };
}

/** Mounts a file or folder over another one. */
export function mount(from: string, path: string): MountOperation {
  return { kind: "mount", from, path };
}

/** Fills the disk of `path` by a file of that name, until so many per cent are free. */
export function ballast(path: string, free: number): BallastOperation {
  return { kind: "ballast", path, free };
}

/** Lets cron run a command, by the file /etc/cron.d/`name`. Default: every minute. */
export function cron(name: string, command: string, schedule = "* * * * *"): CronOperation {
  return { kind: "cron", name, schedule, command };
}

/** Queues a command by at(1), for in so many minutes. */
export function at(command: string, minutes = 1): AtOperation {
  return { kind: "at", command, minutes };
}

/** Compiles the library `path` on the node: in programs that preload it, no listing shows `program` or its processes. */
export function preload(path: string, program: string): PreloadOperation {
  return { kind: "preload", path, program };
}

/** Scales a Deployment, given as `namespace/name`. */
export function scale(deployment: string, replicas: number): ReplicasOperation {
  const { namespace, name } = namespaced(deployment);
  return { kind: "replicas", deployment: name, namespace, replicas };
}

/** Creates an API object. With `actor`, it breaks something again by itself, and undo deletes it first. */
export function createObject(
  manifest: Manifest,
  options: Pick<ObjectOperation, "actor"> = {},
): ObjectOperation {
  return { kind: "object", manifest, ...options };
}

/** Deletes an API object, given as `service/default/web`; the resource is in the singular. */
export function deleteObject(object: string): ObjectGoneOperation {
  return { kind: "object-gone", ...partsOf(object) };
}

/**
 * Changes fields of an API object, given as `service/default/web` or `node/w1`; the resource is in the singular.
 * @param set Values by path, such as `spec.ports[port=80].targetPort`; `null` takes a field away.
 */
export function setFields(object: string, set: ObjectFieldsOperation["set"]): ObjectFieldsOperation {
  return { kind: "object-fields", ...partsOf(object), set };
}

function partsOf(object: string): ObjectRef {
  const [resource = "", ...rest] = object.split("/");
  const name = rest.at(-1) ?? "";
  const [namespace] = rest.length > 1 ? rest : [];
  return { resource, ...(namespace === undefined ? {} : { namespace }), name };
}

/** Taints a node of the cluster. */
export function taint(node: string, change: Omit<TaintOperation, "kind" | "node">): TaintOperation {
  return { kind: "taint", node, ...change };
}

/** Takes the lease of a controller in kube-system for so many seconds. */
export function takeLease(name: string, holder: string, seconds: number): LeaseOperation {
  return { kind: "lease", name, holder, seconds };
}
