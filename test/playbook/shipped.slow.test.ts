import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { PreconditionError } from "../../src/errors.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import { type Bench, changesSince, look, useBench } from "../support/bench.ts";
import { clusterPlaybooks, shippedPlaybooks } from "./playbooks.ts";
import { loadShipped, provePlaybook } from "./prove.ts";

let bench: Bench;
let before: ReadonlyMap<string, Fingerprint>;

beforeAll(async () => {
  bench = await useBench({ nodes: "1+1" });
  const looks = bench.lab.nodes.map(async (node) => [node.name, await look(node)] as const);
  before = new Map(await Promise.all(looks));
});
afterEach(() => bench.undoAll());
afterAll(() => bench?.end());

async function expectUntouched(): Promise<void> {
  for (const node of bench.lab.nodes) {
    const was = before.get(node.name);
    if (was !== undefined) expect(await changesSince(node, was), node.name).toEqual([]);
  }
}

// First light has tests of its own.
const elsewhere = ["first-light.yaml", ...clusterPlaybooks];

describe.each(shippedPlaybooks.filter((name) => !elsewhere.includes(name)))("%s", (name) => {
  it("is applied, its goal is not met, is undone without a trace, and its goal is met", async ({ skip }) => {
    const proven = await provePlaybook(bench, name, 60_000);
    await expectUntouched();
    skip(!proven, "this kernel lacks what it breaks: npm run test:vm");
  });
});

describe.each(clusterPlaybooks)("%s", (name) => {
  it("is refused where no Kubernetes runs", async () => {
    await expect(bench.plan(await loadShipped(bench, name))).rejects.toThrow(PreconditionError);
    await expectUntouched();
  });
});
