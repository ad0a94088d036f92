import { killCgroup } from "./cgroup.ts";
import { removeGroups } from "./hierarchies.ts";
import { hostNames } from "./names.ts";
import { removeNetworks } from "./network.ts";

/**
 * Ends every process of a lab and removes its cgroups and networks from this host; its folder stays.
 * @throws KbreakError when something of it does not end.
 */
export async function removeFromHost(lab: { readonly name: string; readonly folder: string }): Promise<void> {
  const names = hostNames(lab.name, lab.folder);
  await killCgroup(names.cgroup);
  await removeGroups(names.group);
  await removeNetworks(names);
}
