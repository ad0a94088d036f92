import { createHash } from "node:crypto";
import { join } from "node:path";
import { KbreakError } from "../../errors.ts";
import { cgroupRoot } from "./cgroup.ts";

/**
 * What the lab's things are called on this host. The names follow from the lab's folder alone, so that they are found
 * again whatever became of the lab's files, and so that labs of the same name in two data folders never meet.
 */
export interface HostNames {
  /** The network namespace that the nodes are wired up in. */
  readonly fabric: string;
  /** The network namespace of a node. */
  readonly network: (node: string) => string;
  /** Matches the lab's network namespaces and no others. */
  readonly networks: RegExp;
  /** The cgroup that everything of the lab runs in. */
  readonly cgroup: string;
  /** The cgroup of a node; inside it `root` is what the node sees, `outer` what waits for its end. */
  readonly nodeCgroup: (node: string) => string;
  /** Where the node is in the hierarchies of cgroup v1, where this host has any; relative to their tops. */
  readonly nodeGroup: (node: string) => string;
  /** Holds every {@link nodeGroup} of the lab. */
  readonly group: string;
  /** The cgroup of the process that forwards a port of this host. */
  readonly forwardCgroup: (doorway: string) => string;
  /** Folder of sockets. Its path is short, as that of a socket is limited to 107 bytes. */
  readonly runtime: string;
}

/** @throws KbreakError when this host has no cgroup2. */
export function hostNames(lab: string, folder: string): HostNames {
  const root = cgroupRoot();
  if (root === undefined)
    throw new KbreakError("this host has no cgroup2 mounted", { hint: "kbreak doctor" });
  const prefix = `kb-${lab}-${createHash("sha256").update(folder).digest("hex").slice(0, 6)}`;
  const cgroup = join(root, prefix);
  return {
    fabric: `${prefix}-fabric`,
    network: (node) => `${prefix}-${node}`,
    networks: new RegExp(`^${prefix}-(fabric|(cp|w)[0-9]+)$`),
    cgroup,
    nodeCgroup: (node) => join(cgroup, "nodes", node),
    nodeGroup: (node) => join(prefix, node),
    group: prefix,
    forwardCgroup: (doorway) => join(cgroup, "forward", doorway),
    runtime: join("/run", prefix),
  };
}
