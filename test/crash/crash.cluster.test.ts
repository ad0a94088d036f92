import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cluster } from "../breaks/grounds.ts";
import { clusterBreaks } from "../breaks/proof.ts";
import type { Bench } from "../support/bench.ts";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { type Product, useProduct } from "../support/product.ts";
import type { DisasterName } from "./disasters.ts";
import { kindsForCluster, playbooksOf } from "./examples.ts";
import { nameOf, type Stand, type Tried, useStand } from "./harness.ts";
import { random, sample, shuffled } from "./sample.ts";

/** How many breaks are tried, at one boundary each: a cluster is slow to settle. */
const wanted = Number(process.env.KBREAK_CLUSTER_POINTS ?? "2");
/** How many boundaries of operations on API objects are tried. */
const calls = Number(process.env.KBREAK_CLUSTER_CALLS ?? "6");
const seed = Number(process.env.KBREAK_CRASH_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** All boundaries instead of some. */
const full = process.env.KBREAK_CRASH === "full";

/** A power cut makes everything on a node start anew, which would hide what undo has left: machines are for that. */
const possible: readonly DisasterName[] = ["killed", "cut", "unreachable", "session"];

/** What happens to operations on API objects. */
const aroundCalls: readonly DisasterName[] = ["killed", "apiserver"];

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "on a cluster", () => {
  const ground = cluster();
  let product: Product;
  let bench: Bench;
  let stands: readonly Stand[] = [];

  beforeAll(async () => {
    [product, bench] = await Promise.all([useProduct(), ground.open()]);
    const [first, last] = [bench.lab.nodes[0], bench.lab.nodes.at(-1)];
    const nodes = first === undefined || last === undefined ? [] : [first, last];
    // Each looks at all nodes: two at once would see each other's programs.
    for (const node of nodes) {
      const stand = await useStand(product, bench.lab, node, {
        look: () => ground.look(bench, node),
        changes: (before) => ground.changes(bench, node, before),
      });
      stands = [...stands, stand];
    }
  }, 900_000);

  afterAll(async () => {
    for (const stand of stands) await stand.end();
    product?.remove();
    await bench?.end();
  });

  it(`disasters at a boundary of each of ${wanted} breaks of a cluster: undone to the same cluster`, async () => {
    const next = random(seed);
    const tried: Tried[] = [];
    for (const id of shuffled(clusterBreaks, next).slice(0, wanted)) {
      const roles = bench.breaks.get(id)?.needs?.roles;
      const stand = stands.findLast(({ node }) => roles === undefined || roles.includes(node.role));
      if (stand === undefined) throw new Error(`the lab has no node for ${id}`);
      for (const boundary of sample(await stand.count(id), 1, next)) {
        const [disaster = "killed"] = sample(possible, 1, next);
        tried.push(await stand.try({ ...boundary, disaster }));
      }
    }
    judge("a cluster", tried);
  }, 3_600_000);

  it("kbreak and the API server killed around the calls of every kind of operation on API objects", async () => {
    const next = random(seed);
    const [stand] = stands;
    if (stand === undefined) throw new Error("the lab has no node");
    const playbooks = playbooksOf(kindsForCluster, kindsForCluster.length);
    try {
      const [subject = ""] = playbooks.files;
      const all = await stand.count(subject);
      const points = (full ? all : sample(all, calls, next)).flatMap((boundary, index) =>
        aroundCalls
          .filter((_, which) => full || which === index % aroundCalls.length)
          .map((disaster) => ({ ...boundary, disaster })),
      );
      const tried: Tried[] = [];
      for (const point of points) tried.push(await stand.try(point));
      judge(`${kindsForCluster.length} kinds of operations on API objects, ${all.length} boundaries`, tried);
    } finally {
      playbooks.remove();
    }
  }, 7_200_000);

  function judge(title: string, tried: readonly Tried[]): void {
    const wrong = tried.filter(({ complaints }) => complaints.length > 0);
    process.stdout.write(
      `crash: ${title}: ${tried.length} points tried (seed ${seed}), ` +
        `${tried.filter(({ reached }) => reached).length} reached, ` +
        `${tried.length - wrong.length} undone to equality, ${wrong.length} residues\n`,
    );
    expect(wrong.map(nameOf)).toEqual([]);
    expect(tried.some(({ reached }) => reached)).toBe(true);
  }
});
