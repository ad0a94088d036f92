import { isPopulated } from "./host/cgroup.ts";
import { startForwarder } from "./host/forwarder.ts";
import { hostNames } from "./host/names.ts";
import { clusterDoorways } from "./kubernetes/access.ts";
import { nodesOf } from "./nodes.ts";
import { freePort, isFree } from "./ports.ts";
import type { Doorway, Lab } from "./types.ts";

/** What ports of this host lead to. */
function doorwaysOf(lab: Pick<Lab, "count" | "kubernetes">): readonly Doorway[] {
  const nodes = nodesOf(lab.count).map(({ name, address }) => ({ name, target: `${address}:22` }));
  return [...nodes, ...(lab.kubernetes === undefined ? [] : clusterDoorways(lab.count))];
}

/**
 * Chooses a port for each doorway of a lab: the one that it had, unless somebody else has taken it since.
 * @param had The lab as it is, if it is.
 */
export async function choosePorts(
  name: string,
  folder: string,
  lab: Pick<Lab, "count" | "kubernetes">,
  had: Lab | undefined,
): Promise<Lab["ports"]> {
  const taken = new Set(Object.values(had?.ports ?? {}));
  // The lab itself listens on a node's port also while the node is down.
  const names = hostNames(name, folder);
  const ports: Record<string, number> = {};
  for (const doorway of doorwaysOf(lab)) {
    const old = had?.ports[doorway.name];
    const usable =
      old !== undefined && (isPopulated(names.forwardCgroup(doorway.name)) || (await isFree(old)));
    const port = usable ? old : await freePort(folder, taken);
    taken.add(port);
    ports[doorway.name] = port;
  }
  return ports;
}

/** Makes the lab's ports of this host lead where they should. */
export function ensureForwarders(lab: Lab): void {
  const names = hostNames(lab.name, lab.folder);
  for (const doorway of doorwaysOf(lab)) startForwarder(names, lab, doorway);
}
