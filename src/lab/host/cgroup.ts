import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError } from "../../errors.ts";
import { hostEnvironment } from "../command.ts";
import { readIfThere } from "../file.ts";

/** Where this host has its cgroup2 hierarchy, or `undefined`: `/sys/fs/cgroup`, or a folder in it where v1 is in use too. */
export function cgroupRoot(): string | undefined {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  return mounts.map((line) => line.split(" ")).find(([, , type]) => type === "cgroup2")?.[1];
}

/**
 * Makes a cgroup and those above it, each with the controllers that its parent may give.
 * @param path Absolute, below {@link cgroupRoot}.
 */
export function makeCgroup(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  makeCgroup(parent);
  mkdirSync(path, { recursive: true });
  // The host's own top is not ours to configure.
  if (parent === cgroupRoot()) return;
  for (const controller of ["cpu", "memory", "pids", "io"]) {
    try {
      writeFileSync(join(parent, "cgroup.subtree_control"), `+${controller}`);
    } catch {
      // Where cgroup v1 has this controller the node does without.
    }
  }
}

/** Makes a cgroup whose processes have at most this much memory together, in bytes, where cgroup2 has that controller. */
export function limitMemory(path: string, bytes: number): void {
  makeCgroup(path);
  const limit = join(path, "memory.max");
  if (existsSync(limit)) writeFileSync(limit, String(bytes));
}

/** True while any process is in the cgroup or below it. */
export function isPopulated(path: string): boolean {
  return readIfThere(join(path, "cgroup.events"))?.includes("populated 1") ?? false;
}

function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  }
  rmdirSync(path);
}

/**
 * Ends every process of the cgroup at once, as a power cut does, and removes it. Nothing happens when it is not there.
 * @throws KbreakError when processes are left after 10 s.
 */
export async function killCgroup(path: string): Promise<void> {
  if (!existsSync(path)) return;
  writeFileSync(join(path, "cgroup.kill"), "1");
  for (const end = Date.now() + 10_000; isPopulated(path); await sleep(5)) {
    if (Date.now() > end) {
      throw new KbreakError(`processes of the lab do not end (cgroup ${path})`, {
        hint: `cat ${join(path, "cgroup.procs")}     shows which`,
      });
    }
  }
  removeCgroup(path);
}

/**
 * The command line that runs `argv` as a member of the cgroup from its first instruction on, in whatever process
 * namespace it is started. Makes the cgroup.
 */
export function within(cgroup: string, argv: readonly string[]): readonly string[] {
  makeCgroup(cgroup);
  return ["sh", "-c", 'echo 0 >"$1" && shift && exec "$@"', "sh", join(cgroup, "cgroup.procs"), ...argv];
}

/**
 * Starts a program in the cgroup, detached from this process and its terminal, and does not wait for it.
 * @param output Where its standard output and error go.
 */
export function start(cgroup: string, argv: readonly string[], output: number | "ignore"): void {
  const [program = "", ...args] = within(cgroup, argv);
  spawn(program, args, {
    detached: true,
    stdio: ["ignore", output, output],
    cwd: "/",
    env: hostEnvironment(),
  }).unref();
}

/** When the oldest process directly in the cgroup was started, or `undefined` when there is none. */
export function runningSince(path: string): Date | undefined {
  const pids = readIfThere(join(path, "cgroup.procs"))?.trim().split("\n") ?? [];
  const starts = pids.flatMap((pid) => {
    const stat = readIfThere(`/proc/${pid}/stat`);
    // The second field is the program's name in brackets and may itself hold spaces and brackets.
    const ticks = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return ticks === undefined ? [] : [Number(ticks)];
  });
  if (starts.length === 0) return undefined;
  const hostUptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  // USER_HZ is 100 on every architecture that Node runs on.
  const age = hostUptime - Math.min(...starts) / 100;
  return new Date(Date.now() - age * 1000);
}
