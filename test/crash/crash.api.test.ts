import { afterAll, beforeAll, describe, it } from "vitest";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { type ClusterStands, judge, useClusterStands } from "./cluster-stands.ts";
import type { DisasterName } from "./disasters.ts";
import { kindsForCluster, playbooksOf } from "./examples.ts";
import type { Tried } from "./harness.ts";
import { random, sample } from "./sample.ts";

/** All boundaries with both disasters, instead of some with one: about an hour. */
const full = process.env.KBREAK_CRASH === "full";
/** How many boundaries are tried. */
const wanted = Number(process.env.KBREAK_CLUSTER_POINTS ?? "6");
const seed = Number(process.env.KBREAK_CRASH_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Scaling makes other pods, and so other rules of kube-proxy's: how many are wanted is shown elsewhere. */
const kinds = kindsForCluster.filter((kind) => kind !== "replicas");

const disasters: readonly DisasterName[] = ["killed", "apiserver"];

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "operations on API objects", () => {
  let here: ClusterStands;
  beforeAll(async () => {
    here = await useClusterStands();
  }, 900_000);
  afterAll(() => here?.end());

  it("of every kind, with kbreak or the API server killed around their calls, are undone to the same cluster", async () => {
    const next = random(seed);
    const [stand] = here.stands;
    if (stand === undefined) throw new Error("the lab has no node");
    const playbooks = playbooksOf(kinds, kinds.length);
    try {
      const [subject = ""] = playbooks.files;
      const all = await stand.count(subject);
      const points = (full ? all : sample(all, wanted, next)).flatMap((boundary, index) =>
        disasters
          .filter((_, which) => full || which === index % disasters.length)
          .map((disaster) => ({ ...boundary, disaster })),
      );
      const tried: Tried[] = [];
      for (const point of points) tried.push(await stand.try(point));
      judge(`${kinds.length} kinds on API objects, ${all.length} boundaries`, seed, tried);
    } finally {
      playbooks.remove();
    }
  }, 7_200_000);
});
