import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { cachedPrograms } from "../../src/lab/kubernetes/programs.ts";
import { type Bench, useBench } from "../support/bench.ts";
import { playbookFile } from "./playbooks.ts";

const missing = cachedPrograms() === undefined ? " (skipped: see test/lab/kubernetes/README.md)" : "";

/** A kubelet says that its node is not ready within half a minute, and ready a minute after it is repaired. */
const patience = { timeout: 240_000, interval: 2000 };

// A page without a row is shown by `npm run demo -- --kubernetes`.
const drills = ["node-not-ready", "exec-helper", "etcd-full"];

describe.skipIf(missing !== "")(`the drills on a real cluster${missing}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await useBench({ kubernetes: true });
  }, 600_000);
  afterEach(() => bench.undoAll());
  afterAll(() => bench?.end());

  it.each(drills)("%s is applied, its goal is not met, is undone, and its goal is met", async (name) => {
    const playbook = await bench.playbook(readFileSync(playbookFile(`drills/${name}.yaml`), "utf8"));
    const run = await bench.apply(playbook);
    const unmet = async () =>
      (await bench.status(run)).goals.filter(({ met }) => !met).map((goal) => goal.name);
    await expect.poll(unmet, patience).toEqual(playbook.goal.map((goal) => goal.name));
    expect((await bench.status(run)).steps.map(({ state }) => state)).toEqual(
      playbook.steps.map(() => "in effect"),
    );
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    await expect.poll(unmet, patience).toEqual([]);
  });
});
