import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError } from "../../errors.ts";

/** A hierarchy of cgroup v1 of this host. Containers need them where cgroup2 does not have the controllers. */
export interface Hierarchy {
  /** Where it is mounted, such as `/sys/fs/cgroup/cpu`. */
  readonly top: string;
  /** Its last part: the controllers, or what the hierarchy is called. */
  readonly name: string;
  /** The options that mount it once more, such as `cpu,cpuacct` or `none,name=systemd`. */
  readonly options: string;
}

const mountOptions = new Set(["rw", "ro", "nosuid", "nodev", "noexec", "relatime", "noatime", "xattr"]);

/** The hierarchies of cgroup v1 in a mount table as `/proc/self/mounts` shows it. */
export function parseHierarchies(mounts: string): readonly Hierarchy[] {
  return mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , type]) => type === "cgroup")
    .map(([, top = "", , options = ""]) => {
      const own = options
        .split(",")
        .filter((option) => !mountOptions.has(option) && !option.startsWith("release_agent="));
      const named = own.every((option) => option.startsWith("name="));
      return { top, name: basename(top), options: [...(named ? ["none"] : []), ...own].join(",") };
    });
}

/** The hierarchies of cgroup v1 of this host; none where it has only cgroup2. */
export function hierarchies(): readonly Hierarchy[] {
  return parseHierarchies(readFileSync("/proc/self/mounts", "utf8"));
}

function makeGroup(hierarchy: Hierarchy, path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== hierarchy.top) makeGroup(hierarchy, parent);
  mkdirSync(path);
  if (!existsSync(join(path, "cpuset.cpus"))) return;
  // A new group of this controller has neither processors nor memory, and takes no process until it has.
  for (const file of ["cpuset.cpus", "cpuset.mems"])
    writeFileSync(join(path, file), readFileSync(join(parent, file)));
  writeFileSync(join(path, "cgroup.clone_children"), "1");
}

/**
 * Makes a group in every hierarchy of cgroup v1, and gives their paths.
 * @param path Relative to the hierarchies' tops.
 * @param memory The most memory that its processes have together, in bytes.
 */
export function makeGroups(path: string, memory: number): readonly string[] {
  return hierarchies().map((hierarchy) => {
    const group = join(hierarchy.top, path);
    makeGroup(hierarchy, group);
    const limit = join(group, "memory.limit_in_bytes");
    if (existsSync(limit)) writeFileSync(limit, String(memory));
    return group;
  });
}

function tryToRemove(path: string): boolean {
  if (!existsSync(path)) return true;
  try {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory() && !tryToRemove(join(path, entry.name))) return false;
    }
    rmdirSync(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EBUSY" || code === "ENOENT") return false;
    throw error;
  }
}

/**
 * Removes a group and all below it from every hierarchy of cgroup v1; nothing happens where it is not there.
 * Its processes have been killed before, but the kernel takes a while to forget the last of them.
 * @param path Relative to the hierarchies' tops.
 * @throws KbreakError when processes are left after 10 s.
 */
export async function removeGroups(path: string): Promise<void> {
  const groups = hierarchies().map(({ top }) => join(top, path));
  for (const end = Date.now() + 10_000; ; await sleep(10)) {
    const left = groups.filter((group) => !tryToRemove(group));
    if (left.length === 0) return;
    if (Date.now() > end) {
      throw new KbreakError(`processes of the lab do not end (cgroup ${left[0]})`, {
        hint: `cat ${left[0]}/cgroup.procs     shows which`,
      });
    }
  }
}
