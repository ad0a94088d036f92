import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Bench, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";

let bench: Bench;
let node: TestNode;

/** An overlay's device, as a network plugin makes it. */
const made = "ip link add overlay0 type veth peer name overlay1 && ip link set overlay0 up";

beforeAll(async () => {
  bench = await useBench();
  node = bench.lab.node("w1");
});
afterEach(async () => {
  await bench.undoAll();
  await on(node, "ip link del overlay0 2>/dev/null || :");
});
afterAll(() => bench?.end());

async function applied(): Promise<string> {
  await on(node, made);
  const playbook = await bench.playbook(`
name: thin
steps:
  - name: thin
    targets: w1
    operations: [{ kind: qdisc, device: overlay0, discipline: [tbf, rate, 1mbit, burst, 32kbit, latency, 1s] }]
`);
  const run = await bench.apply(playbook, { limit: "w1" });
  expect(await stateOf(run)).toBe("in effect");
  return run;
}

const stateOf = async (run: string) => (await bench.status(run)).steps[0]?.state;

it("a device that vanished is drift: undo says so and is not complete until it is back", async () => {
  const run = await applied();
  await on(node, "ip link del overlay0");
  expect(await stateOf(run)).toBe("drifted");
  for (const _ of ["once", "twice"]) {
    const undone = await bench.undo(run);
    expect(undone.complete).toBe(false);
    expect(undone.targets[0]?.operations).toMatchObject([
      {
        verdict: "drifted",
        outcome: "left",
        detail: expect.stringContaining("there is no network device overlay0"),
      },
    ]);
  }
  await on(node, made);
  expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
});

it("a device that was made anew is drift, not a fix, and nothing is left to be undone", async () => {
  const run = await applied();
  await on(node, `ip link del overlay0; ${made}`);
  expect(await stateOf(run)).toBe("drifted");
  const before = await on(node, "tc qdisc show dev overlay0");
  const undone = await bench.undo(run);
  expect(undone.targets[0]?.operations).toMatchObject([{ verdict: "drifted", outcome: "restored" }]);
  expect(undone).toMatchObject({ complete: true, kept: 0 });
  expect(await on(node, "tc qdisc show dev overlay0")).toBe(before);
});
