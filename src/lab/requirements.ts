import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { PreconditionError } from "../errors.ts";
import { hostEnvironment } from "./command.ts";
import { readIfThere } from "./file.ts";
import { cgroupRoot } from "./host/cgroup.ts";
import { clusterPrograms, clusterRequirements } from "./kubernetes/requirements.ts";
import type { ProviderName } from "./types.ts";

/** What a lab may have that asks something of this host. */
export type LabPart = ProviderName | "kubernetes";

/** Something that this host must have for a lab. */
export interface Requirement {
  readonly name: string;
  readonly met: boolean;
  /** What was found, or what it is needed for. */
  readonly detail: string;
  /** The command that brings it, or what else to do. */
  readonly fix?: string;
  /** The Debian package that brings it. */
  readonly debianPackage?: string;
}

/** What to use where this host cannot have a lab. */
export const alternatives =
  "use nodes of your own (kubeadm on any machines that you reach by ssh; write them into an inventory), or kind";

const programs: readonly (readonly [program: string, debianPackage: string])[] = [
  ["flock", "util-linux"],
  ["ip", "iproute2"],
  ["losetup", "mount"],
  ["mkfs.ext4", "e2fsprogs"],
  ["mmdebstrap", "mmdebstrap"],
  ["mount", "mount"],
  ["nsenter", "util-linux"],
  ["ssh", "openssh-client"],
  ["ssh-keygen", "openssh-client"],
  ["systemd-socket-activate", "systemd"],
  ["unshare", "util-linux"],
];

const machinePrograms: typeof programs = [
  ["cpio", "cpio"],
  ["depmod", "kmod"],
  ["qemu-img", "qemu-utils"],
  ["qemu-system-x86_64", "qemu-system-x86"],
  ["tar", "tar"],
  ["xz", "xz-utils"],
];

const files: readonly (readonly [file: string, debianPackage: string])[] = [
  ["/usr/lib/systemd/systemd-socket-proxyd", "systemd"],
  ["/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"],
];

/** Whether this host has a program. */
export function onPath(program: string): boolean {
  const folders = (hostEnvironment().PATH ?? "").split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function fromPackage(name: string, found: boolean, debianPackage: string): Requirement {
  const detail = found ? "found" : `missing (Debian package ${debianPackage})`;
  const fix = found ? {} : { fix: installCommand([debianPackage]) };
  return { name, met: found, detail, debianPackage, ...fix };
}

/** A program that a Debian package brings. */
export const programRequirement = (program: string, debianPackage: string): Requirement =>
  fromPackage(program, onPath(program), debianPackage);

/** True when the process may do what only root with all its rights may. */
function isAdministrator(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const sysAdmin = 1n << 21n;
  return process.getuid?.() === 0 && (BigInt(`0x${effective}`) & sysAdmin) !== 0n;
}

function kernel(): readonly Requirement[] {
  const root = cgroupRoot();
  const cgroups = root !== undefined && killable();
  const overlay = /\boverlay$/m.test(readIfThere("/proc/filesystems") ?? "");
  const loop = existsSync("/dev/loop-control");
  return [
    {
      name: "root",
      met: isAdministrator(),
      detail: isAdministrator() ? "yes" : "nodes are made of namespaces, mounts and loop devices",
      ...(isAdministrator() ? {} : { fix: "run kbreak as root, outside of an unprivileged container" }),
    },
    {
      name: "cgroup2",
      met: cgroups,
      detail: cgroups ? root : "cgroup2 of Linux 5.14 or newer is to be mounted (cgroup.kill)",
      ...(cgroups ? {} : { fix: "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified" }),
    },
    {
      name: "overlayfs",
      met: overlay,
      detail: overlay ? "yes" : "the nodes share a base image by it",
      ...(overlay ? {} : { fix: "modprobe overlay" }),
    },
    {
      name: "loop devices",
      met: loop,
      detail: loop ? "yes" : "each node has a disk of its own by one",
      ...(loop ? {} : { fix: "modprobe loop" }),
    },
  ];
}

/** `cgroup.kill` came with Linux 5.14. */
function killable(): boolean {
  const [major = 0, minor = 0] = (readIfThere("/proc/sys/kernel/osrelease") ?? "").split(".").map(Number);
  return major > 5 || (major === 5 && minor >= 14);
}

function processor(): Requirement {
  const met = process.arch === "x64";
  const detail = met ? "yes" : `this is ${process.arch}`;
  return { name: "x86-64", met, detail, ...(met ? {} : { fix: "use namespace nodes: kbreak lab up" }) };
}

/**
 * All that a lab needs of this host, met or not.
 * @param parts The kinds of its nodes, and whether it has a Kubernetes.
 */
export function labRequirements(parts: readonly LabPart[] = ["namespace"]): readonly Requirement[] {
  const linux = process.platform === "linux";
  const system: Requirement = {
    name: "Linux",
    met: linux,
    detail: linux ? "yes" : `this is ${process.platform}: the practice nodes need Linux`,
    ...(linux ? {} : { fix: alternatives }),
  };
  if (!linux) return [system];
  const machines = parts.includes("vm");
  const kubernetes = parts.includes("kubernetes");
  return [
    system,
    ...kernel(),
    ...(machines || kubernetes ? [processor()] : []),
    ...(kubernetes ? clusterRequirements() : []),
    ...[...programs, ...(machines ? machinePrograms : []), ...(kubernetes ? clusterPrograms : [])].map(
      ([program, debianPackage]) => programRequirement(program, debianPackage),
    ),
    ...files.map(([file, debianPackage]) => fromPackage(file, existsSync(file), debianPackage)),
  ];
}

/** The Debian packages that are missing, each once. */
export function missingPackages(requirements: readonly Requirement[]): readonly string[] {
  const missing = requirements.flatMap(({ met, debianPackage }) => (met ? [] : (debianPackage ?? [])));
  return [...new Set(missing)].sort();
}

/** The command that installs Debian packages. */
export function installCommand(packages: readonly string[]): string {
  return `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
}

/** The commands that bring what is missing, each once; one command for all packages. */
export function fixes(requirements: readonly Requirement[]): readonly string[] {
  const packages = missingPackages(requirements);
  const others = requirements.flatMap(({ met, fix, debianPackage }) =>
    met || fix === undefined || debianPackage !== undefined ? [] : [fix],
  );
  return [...new Set(others), ...(packages.length === 0 ? [] : [installCommand(packages)])];
}

/** @throws PreconditionError that names everything that is missing for a lab on this host, and what brings it. */
export function demandRequirements(requirements: readonly Requirement[] = labRequirements()): void {
  const unmet = requirements.filter(({ met }) => !met);
  if (unmet.length === 0) return;
  const list = unmet.map(({ name, detail }) => `  ${name}: ${detail}`).join("\n");
  throw new PreconditionError(`this host cannot have practice nodes:\n${list}`, {
    hint: `${fixes(requirements).join("\n")}\nOr ${alternatives}.`,
  });
}
