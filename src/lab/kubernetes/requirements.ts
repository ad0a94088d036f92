import { join } from "node:path";
import { readIfThere } from "../file.ts";
import { cgroupRoot } from "../host/cgroup.ts";
import { hierarchies } from "../host/hierarchies.ts";
import type { Requirement } from "../requirements.ts";

/** Programs of this host that making a Kubernetes needs, and the Debian packages that bring them. */
export const clusterPrograms: readonly (readonly [program: string, debianPackage: string])[] = [
  ["awk", "mawk"],
  ["fstrim", "util-linux"],
  ["tar", "tar"],
];

/** The kubelet limits and counts what its pods use by these. */
function controllers(): Requirement {
  const wanted = ["cpu", "cpuset", "memory", "pids"];
  const unified = readIfThere(join(cgroupRoot() ?? "", "cgroup.controllers")) ?? "";
  const found = [...unified.trim().split(" "), ...hierarchies().flatMap(({ options }) => options.split(","))];
  const missing = wanted.filter((name) => !found.includes(name));
  const met = missing.length === 0;
  return {
    name: "cgroup controllers",
    met,
    detail: met ? wanted.join(", ") : `missing: ${missing.join(", ")}`,
    ...(met ? {} : { fix: "start the kernel without cgroup_disable=" }),
  };
}

function freeMemory(): Requirement {
  const wanted = 2;
  const kilobytes = Number(/^MemAvailable:\s+(\d+)/m.exec(readIfThere("/proc/meminfo") ?? "")?.[1] ?? 0);
  const free = kilobytes / 1024 ** 2;
  const met = free >= wanted;
  return {
    name: "memory",
    met,
    detail: `${free.toFixed(1)} GiB available; a Kubernetes needs ${wanted}`,
    ...(met ? {} : { fix: "end other programs" }),
  };
}

/** What nodes with a Kubernetes need of this host's kernel and memory, beside what all need. */
export function clusterRequirements(): readonly Requirement[] {
  return [controllers(), freeMemory()];
}
