import { afterAll, beforeAll, describe, it } from "vitest";
import { clusterBreaks } from "../breaks/proof.ts";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { type ClusterStands, judge, useClusterStands } from "./cluster-stands.ts";
import type { DisasterName } from "./disasters.ts";
import type { Tried } from "./harness.ts";
import { random, sample, shuffled } from "./sample.ts";

/** How many breaks are tried, at one boundary each: a cluster is slow to settle. */
const wanted = Number(process.env.KBREAK_CLUSTER_POINTS ?? "2");
const seed = Number(process.env.KBREAK_CRASH_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** A power cut makes everything on a node start anew, which would hide what undo has left: machines are for that. */
const possible: readonly DisasterName[] = ["killed", "cut", "unreachable", "session"];

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "on a cluster", () => {
  let here: ClusterStands;
  beforeAll(async () => {
    here = await useClusterStands();
  }, 900_000);
  afterAll(() => here?.end());

  it(`disasters at a boundary of each of ${wanted} breaks of a cluster: undone to the same cluster`, async () => {
    const next = random(seed);
    const tried: Tried[] = [];
    for (const id of shuffled(clusterBreaks, next).slice(0, wanted)) {
      const roles = here.bench.breaks.get(id)?.needs?.roles;
      const stand = here.stands.findLast(({ node }) => roles === undefined || roles.includes(node.role));
      if (stand === undefined) throw new Error(`the lab has no node for ${id}`);
      for (const boundary of sample(await stand.count(id), 1, next)) {
        const [disaster = "killed"] = sample(possible, 1, next);
        tried.push(await stand.try({ ...boundary, disaster }));
      }
    }
    judge("a cluster", seed, tried);
  }, 3_600_000);
});
