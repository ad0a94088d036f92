import { attempt, run } from "../command.ts";
import type { HostNames } from "../host/names.ts";
import { batch, bridge, macOf, portOf, removeNetwork } from "../host/network.ts";
import type { LabNode } from "../nodes.ts";
import { gateway, prefixLength } from "../nodes.ts";

/** Makes the network of a node anew, as a power cut leaves nothing of the old one. */
export async function makeNodeNetwork(names: HostNames, node: LabNode): Promise<void> {
  const network = names.network(node.name);
  const port = portOf(node);
  // The kernel takes a network namespace apart some time after its end; the link is to be gone now.
  await attempt(["ip", "-n", names.fabric, "link", "del", port]);
  await removeNetwork(network);
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
