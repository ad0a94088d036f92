import { readdirSync } from "node:fs";
import { attempt, run } from "../command.ts";
import type { LabNode } from "../nodes.ts";
import { gateway, prefixLength } from "../nodes.ts";
import type { HostNames } from "./names.ts";

const bridge = "br0";
// A bridge takes the lowest of its ports' addresses and changes it when a port comes or goes; neighbours would then
// talk to a stale one.
const bridgeMac = "52:54:00:77:00:fe";

function macOf(node: LabNode): string {
  const last = Number(node.address.split(".")[3]);
  return `52:54:00:77:01:${last.toString(16).padStart(2, "0")}`;
}

/** The name of the node's end in the fabric; interface names are limited to 15 characters. */
function portOf(node: LabNode): string {
  return `v-${node.name}`;
}

function batch(lines: readonly string[], network?: string): Promise<string> {
  const where = network === undefined ? [] : ["-n", network];
  return run(["ip", ...where, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

/** The names of this host's network namespaces. */
export function networkNamespaces(): readonly string[] {
  try {
    return readdirSync("/run/netns");
  } catch {
    return [];
  }
}

async function remove(network: string): Promise<void> {
  if (networkNamespaces().includes(network)) await run(["ip", "netns", "del", network]);
}

/** True when the fabric is there and was finished. */
export async function fabricIsUp(names: HostNames): Promise<boolean> {
  if (!networkNamespaces().includes(names.fabric)) return false;
  const { code, stdout } = await attempt(["ip", "-n", names.fabric, "-br", "addr", "show", bridge, "up"]);
  return code === 0 && stdout.includes(gateway);
}

/** Makes the fabric: a network namespace with a bridge. What is left of an earlier one goes first. */
export async function makeFabric(names: HostNames): Promise<void> {
  await remove(names.fabric);
  await run(["ip", "netns", "add", names.fabric]);
  await batch(
    [
      "link set lo up",
      `link add ${bridge} address ${bridgeMac} type bridge`,
      `link set ${bridge} addrgenmode none`,
      `link set ${bridge} up`,
      // The address last: it is what tells a finished fabric.
      `addr add ${gateway}/${prefixLength} dev ${bridge}`,
    ],
    names.fabric,
  );
}

/** Makes the network of a node anew, as a power cut leaves nothing of the old one. */
export async function makeNodeNetwork(names: HostNames, node: LabNode): Promise<void> {
  const network = names.network(node.name);
  const port = portOf(node);
  // The kernel takes a network namespace apart some time after its end; the link is to be gone now.
  await attempt(["ip", "-n", names.fabric, "link", "del", port]);
  await remove(network);
  await run(["ip", "netns", "add", network]);
  await batch(
    [
      `link add ${port} type veth peer name eth0 address ${macOf(node)} netns ${network}`,
      `link set ${port} addrgenmode none master ${bridge} up`,
    ],
    names.fabric,
  );
  await batch(
    [
      "link set lo up",
      // Without a link-local address nothing of the node's network changes by itself after the start.
      "link set eth0 addrgenmode none up",
      `addr add ${node.address}/${prefixLength} dev eth0`,
      `route add default via ${gateway}`,
    ],
    network,
  );
}

/** Removes every network namespace of the lab. */
export async function removeNetworks(names: HostNames): Promise<void> {
  for (const network of networkNamespaces()) {
    if (names.networks.test(network)) await remove(network);
  }
}
