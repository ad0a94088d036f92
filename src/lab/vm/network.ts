import { attempt } from "../command.ts";
import type { HostNames } from "../host/names.ts";
import { batch, bridge, portOf } from "../host/network.ts";
import type { LabNode } from "../nodes.ts";

/** Makes the device in the lab's network that the machine is plugged into. */
export async function makeTap(names: HostNames, node: LabNode): Promise<void> {
  const port = portOf(node);
  await attempt(["ip", "-n", names.fabric, "link", "del", port]);
  await batch(
    [`tuntap add dev ${port} mode tap`, `link set ${port} addrgenmode none master ${bridge} up`],
    names.fabric,
  );
}
