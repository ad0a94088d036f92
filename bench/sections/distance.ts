import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadInventory } from "../../src/inventory/load.ts";
import { sideBySide } from "../contenders.ts";
import { farPort } from "../delay.ts";
import { type BenchLab, benchLab } from "../lab.ts";
import { peersOf } from "../peers.ts";
import { installPython } from "../python.ts";
import type { Distance, Results } from "../results.ts";
import type { Stage } from "../stage.ts";
import { countTrips } from "../trips.ts";

/** Milliseconds: another country, another continent. */
const roundTrips = [50, 150];

/** How many nodes are far away. */
const NODES = 3;

/** The same nodes at ports that are as far away as wanted, until `close`. */
async function farLab(lab: BenchLab, roundTrip: number, stage: Stage) {
  const ports = await Promise.all(lab.nodes.map(({ port = 22 }) => farPort(port, roundTrip)));
  const moved = lab.nodes.map((node, index) => ({ near: node.port, far: ports[index]?.port }));
  const replaced = (text: string, around: (port: number | undefined) => string) =>
    moved.reduce((now, { near, far }) => now.replaceAll(around(near), around(far)), text);
  const folder = dirname(lab.inventory);
  const inventory = join(stage.folder, "far.yaml");
  const knownHosts = join(stage.folder, "far.known_hosts");
  writeFileSync(
    inventory,
    replaced(readFileSync(lab.inventory, "utf8"), (port) => `port: ${port}\n`),
  );
  writeFileSync(`${inventory}.lock`, readFileSync(`${lab.inventory}.lock`));
  writeFileSync(
    knownHosts,
    replaced(readFileSync(join(folder, "known_hosts"), "utf8"), (port) => `:${port} `),
  );
  const { nodes } = await loadInventory(inventory);
  return {
    field: { ...lab, inventory, peers: peersOf(nodes, knownHosts, stage.folder, stage.sockets) },
    close: () => ports.forEach((port) => void port.close()),
  };
}

/** The same work on nodes that are far away, and what is sent to a node for one and for many operations. */
export async function measureDistance(
  stage: Stage,
  rounds: number,
): Promise<NonNullable<Results["distance"]>> {
  const lab = await benchLab(stage, String(NODES));
  await installPython(lab.peers, stage.folder);
  const distances: Distance[] = [];
  for (const roundTrip of roundTrips) {
    stage.tell(`${roundTrip} ms round trips`);
    const { field, close } = await farLab(lab, roundTrip, stage);
    try {
      const compared = await sideBySide(field, rounds, stage, stage.tell);
      distances.push({ roundTrip, nodes: NODES, ...compared });
    } finally {
      close();
    }
  }
  return { distances, trips: await countTrips(lab, stage.folder) };
}
