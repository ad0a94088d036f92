import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadInventory } from "../src/inventory/load.ts";
import type { Inventory } from "../src/inventory/types.ts";
import { allowInotify } from "../src/lab/host/inotify.ts";
import { hostNames } from "../src/lab/host/names.ts";
import { labDown, labUp } from "../src/lab/lab.ts";
import { parseNodeCount } from "../src/lab/nodes.ts";
import type { Field } from "./contenders.ts";
import { peersOf } from "./peers.ts";
import type { Stage } from "./stage.ts";

/** Practice nodes for a section. */
export interface BenchLab extends Field {
  readonly nodes: Inventory["nodes"];
}

/** The name of the lab that all sections use, one after the other. */
export const labName = "bench";

function processorSeconds(cgroup: string): number {
  const microseconds = /^usage_usec (\d+)/m.exec(readFileSync(join(cgroup, "cpu.stat"), "utf8"))?.[1];
  return Number(microseconds) / 1e6;
}

/** Boots practice nodes, or more of them, which go with the stage. @param count As `kbreak lab up --nodes` takes it. */
export async function benchLab(stage: Stage, count: string): Promise<BenchLab> {
  allowInotify(1024);
  stage.tell(`${count} practice nodes`);
  stage.leave("lab", () => labDown(labName));
  const { inventory = "" } = await labUp({ name: labName, count: parseNodeCount(count) });
  const loaded = await loadInventory(inventory);
  const folder = join(stage.folder, "peers");
  mkdirSync(folder, { recursive: true });
  return {
    inventory,
    nodes: loaded.nodes,
    peers: peersOf(loaded.nodes, join(dirname(inventory), "known_hosts"), folder, stage.sockets),
    dataFolder: join(stage.folder, "runs"),
    processor: () => processorSeconds(hostNames(labName, dirname(inventory)).cgroup),
  };
}
