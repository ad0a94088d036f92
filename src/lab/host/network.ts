import { readdirSync } from "node:fs";
import { attempt, run } from "../command.ts";
import type { LabNode } from "../nodes.ts";
import { gateway, prefixLength } from "../nodes.ts";
import type { HostNames } from "./names.ts";

/** The bridge of the fabric, which every node has a port in. */
export const bridge = "br0";
// A bridge takes the lowest of its ports' addresses and changes it when a port comes or goes; neighbours would then
// talk to a stale one.
const bridgeMac = "52:54:00:77:00:fe";

/** The hardware address of a node. */
export function macOf(node: LabNode): string {
  const last = Number(node.address.split(".")[3]);
  return `52:54:00:77:01:${last.toString(16).padStart(2, "0")}`;
}

/** The name of the node's end in the fabric; interface names are limited to 15 characters. */
export function portOf(node: LabNode): string {
  return `v-${node.name}`;
}

/** Runs lines of `ip`, in the network namespace `network` or in this process's own. @throws KbreakError */
export function batch(lines: readonly string[], network?: string): Promise<string> {
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

/** Removes a network namespace; nothing happens when it is not there. */
export async function removeNetwork(network: string): Promise<void> {
  if (networkNamespaces().includes(network)) await run(["ip", "netns", "del", network]);
}

/** True when the fabric is there and was finished. */
export async function fabricIsUp(names: HostNames): Promise<boolean> {
  if (!networkNamespaces().includes(names.fabric)) return false;
  const { code, stdout } = await attempt(["ip", "-n", names.fabric, "-br", "addr", "show", bridge, "up"]);
  return code === 0 && stdout.includes(gateway);
}

/**
 * Makes the fabric: a network namespace with a bridge. What is left of an earlier one goes first.
 * @param routes What follows `ip route add`: where it forwards packets to. Without any it forwards nothing.
 */
export async function makeFabric(names: HostNames, routes: readonly string[]): Promise<void> {
  await removeNetwork(names.fabric);
  await run(["ip", "netns", "add", names.fabric]);
  if (routes.length > 0) {
    const script = "cd /proc/sys/net/ipv4 && echo 1 >ip_forward && echo 0 >icmp_ratelimit";
    await run(["nsenter", `--net=/run/netns/${names.fabric}`, "sh", "-c", script]);
  }
  await batch(
    [
      "link set lo up",
      `link add ${bridge} address ${bridgeMac} type bridge`,
      `link set ${bridge} addrgenmode none`,
      `link set ${bridge} up`,
      ...routes.map((route) => `route add ${route}`),
      // The address last: it is what tells a finished fabric.
      `addr add ${gateway}/${prefixLength} dev ${bridge}`,
    ],
    names.fabric,
  );
}

/** Removes every network namespace of the lab. */
export async function removeNetworks(names: HostNames): Promise<void> {
  for (const network of networkNamespaces()) {
    if (names.networks.test(network)) await removeNetwork(network);
  }
}
