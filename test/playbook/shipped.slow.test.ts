import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { errorOf } from "../../src/engine/apply.ts";
import { PreconditionError } from "../../src/errors.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import { type Bench, changesSince, look, useBench } from "../support/bench.ts";
import { clusterPlaybooks, playbookFile, shippedPlaybooks } from "./playbooks.ts";

/** Why a step may be left out, or a playbook of one step refused, on a namespace node: it is not the playbook's fault. */
const lacking = /the kernel has no \w+ queueing discipline|no C compiler is on the node/;

let bench: Bench;
let before: ReadonlyMap<string, Fingerprint>;

beforeAll(async () => {
  bench = await useBench({ nodes: "1+1" });
  before = new Map(
    await Promise.all(bench.lab.nodes.map(async (node) => [node.name, await look(node)] as const)),
  );
});
afterEach(() => bench.undoAll());
afterAll(() => bench?.end());

const load = (name: string) => bench.playbook(readFileSync(playbookFile(name), "utf8"));

async function expectUntouched(): Promise<void> {
  for (const node of bench.lab.nodes) {
    const was = before.get(node.name);
    if (was !== undefined) expect(await changesSince(node, was), node.name).toEqual([]);
  }
}

/** Plans; `undefined` where all that it breaks is lacking here. */
async function planned(name: string) {
  const playbook = await load(name);
  try {
    return await bench.plan(playbook);
  } catch (error) {
    if (error instanceof PreconditionError && lacking.test(error.message)) return undefined;
    throw error;
  }
}

// First light has tests of its own.
const elsewhere = ["first-light.yaml", ...clusterPlaybooks];

describe.each(shippedPlaybooks.filter((name) => !elsewhere.includes(name)))("%s", (name) => {
  it("is applied, its goal is not met, is undone without a trace, and its goal is met", async ({ skip }) => {
    const plan = await planned(name);
    if (plan === undefined) return skip("this kernel lacks what it breaks");
    const skipped = plan.targets.flatMap((target) => target.skipped);
    for (const { reason } of skipped) expect(reason).toMatch(lacking);
    const { plan: made, result } = await bench.attempt(await load(name));
    expect(errorOf(made, result)).toBeUndefined();
    const broken = await bench.status(result.run);
    for (const step of broken.steps) expect(step).toMatchObject({ state: "in effect" });
    expect(broken.steps.map(({ symptom }) => symptom)).not.toContain("quiet");
    expect(broken.goals.length).toBeGreaterThan(0);
    // Each part of the goal is there because something breaks it.
    const leftOut = new Set(skipped.map(({ title }) => title));
    const unmet = broken.goals.filter(({ met }) => !met).map((goal) => goal.name);
    if (leftOut.size === 0) expect(unmet).toEqual(broken.goals.map((goal) => goal.name));
    else expect(unmet).not.toEqual([]);

    expect(await bench.undo(result.run)).toMatchObject({ complete: true, kept: 0 });
    await expect
      .poll(async () => (await bench.status(result.run)).goals.filter(({ met }) => !met), { timeout: 60_000 })
      .toEqual([]);
    await expectUntouched();
  });
});

describe.each(clusterPlaybooks)("%s", (name) => {
  it("is refused where no Kubernetes runs", async () => {
    await expect(bench.plan(await load(name))).rejects.toThrow(PreconditionError);
    await expectUntouched();
  });
});
