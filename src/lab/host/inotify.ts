import { readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import type { Requirement } from "../requirements.ts";

const setting = "/proc/sys/fs/inotify/max_user_instances";

/** What the systemd of a namespace node has: counted on one that is idle. All are root's of this host. */
const PER_NODE = 5;
/** With Kubernetes: counted, too. A control plane has 29 and a worker 16. */
const PER_CLUSTER_NODE = 23;

/** What a list gives, or nothing where a process has ended meanwhile. */
function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isInotify(link: string): boolean {
  try {
    return readlinkSync(link) === "anon_inode:inotify";
  } catch {
    return false;
  }
}

function isRoots(folder: string): boolean {
  try {
    return statSync(folder).uid === 0;
  } catch {
    return false;
  }
}

const limit = () => Number(readFileSync(setting, "utf8"));

function used(): number {
  const processes = list("/proc").filter((name) => /^\d+$/.test(name) && isRoots(`/proc/${name}`));
  const links = processes.flatMap((pid) => list(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`));
  return links.filter(isInotify).length;
}

/**
 * Whether this host's root may have the inotify instances of so many more namespace nodes. systemd of a node that gets
 * none does not start, and says so to nobody.
 * @param kubernetes True: they run a Kubernetes; default: they do not.
 */
export function inotifyRequirement(nodes: number, kubernetes = false): Requirement {
  const [most, taken] = [limit(), used()];
  const each = kubernetes ? PER_CLUSTER_NODE : PER_NODE;
  const needed = taken + each * nodes;
  const met = needed <= most;
  return {
    name: "inotify instances",
    met,
    detail: `${taken} of ${most} in use, and ${each} needed for each node that is to start`,
    ...(met ? {} : { fix: `sysctl -w fs.inotify.max_user_instances=${Math.max(512, 2 * needed)}` }),
  };
}

/** Lets this host's root have at least so many inotify instances, until the next start of the host. */
export function allowInotify(least: number): void {
  if (limit() < least) writeFileSync(setting, `${least}\n`);
}
