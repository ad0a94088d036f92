import { expect } from "vitest";
import { cluster } from "../breaks/grounds.ts";
import { type Bench, ready } from "../support/bench.ts";
import { type Product, useProduct } from "../support/product.ts";
import { nameOf, type Stand, type Tried, useStand } from "./harness.ts";

/** Where disasters happen to a cluster: one stand for its first node and one for its last. */
export interface ClusterStands {
  readonly bench: Bench;
  readonly stands: readonly Stand[];
  end(): Promise<void>;
}

/** Call it in `beforeAll` and `end()` in `afterAll`. */
export async function useClusterStands(): Promise<ClusterStands> {
  const ground = cluster();
  const [product, bench]: [Product, Bench] = await Promise.all([useProduct(), ground.open()]);
  const [first, last] = [bench.lab.nodes[0], bench.lab.nodes.at(-1)];
  const nodes = first === undefined || last === undefined ? [] : [first, last];
  const stands: Stand[] = [];
  // Each looks at all nodes: two at once would see each other's programs.
  for (const node of nodes) {
    await ready(bench.lab);
    const stand = await useStand(product, bench.lab, node, {
      look: () => ground.look(bench, node),
      changes: (before) => ground.changes(bench, node, before),
    });
    // What one disaster has stopped has to be there again before a break can be told from it.
    const settled = async <T>(work: () => Promise<T>) => {
      await ready(bench.lab);
      return work();
    };
    stands.push({
      ...stand,
      count: (...words) => settled(() => stand.count(...words)),
      try: (...words) => settled(() => stand.try(...words)),
    });
  }
  return {
    ...{ bench, stands },
    async end() {
      for (const stand of stands) await stand.end();
      product.remove();
      await bench.end();
    },
  };
}

/** Tells what came of the points, and fails for every residue. */
export function judge(title: string, seed: number, tried: readonly Tried[]): void {
  const wrong = tried.filter(({ complaints }) => complaints.length > 0);
  process.stdout.write(
    `crash: ${title}: ${tried.length} points tried (seed ${seed}), ` +
      `${tried.filter(({ reached }) => reached).length} reached, ` +
      `${tried.length - wrong.length} undone to equality, ${wrong.length} residues\n`,
  );
  expect(wrong.map(nameOf)).toEqual([]);
  expect(tried.some(({ reached }) => reached)).toBe(true);
}
