import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { connect } from "../src/transport/connect.ts";
import { type ObservedRun, observed } from "../src/transport/observed.ts";
import type { Connect } from "../src/transport/transport.ts";
import { type Bench, useBench } from "./support/bench.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await useBench({ nodes: "1+1" });
});
afterEach(() => bench?.undoAll());
afterAll(() => bench?.end());

/** Counts what goes to each node. */
function counter() {
  const connections: string[] = [];
  const runs: ObservedRun[] = [];
  const counting: Connect = async (node, options) => {
    connections.push(node.name);
    return observed(await connect(node, options), (run) => runs.push(run));
  };
  const trips = (node: string, what: (script: string) => boolean = () => true) =>
    runs.filter((run) => run.node === node && what(run.script)).length;
  return { connections, runs, trips, connect: counting };
}

const readsFacts = (script: string) => script.includes("frame 0 facts facts_node");
const reads = (script: string) => /^look \d+$/m.test(script) && !/^(swap|put_back) \d+ ?/m.test(script);
const applies = (script: string) => /^swap \d+ /m.test(script);
const restores = (script: string) => /^put_back \d+$/m.test(script);
const cancels = (script: string) => script.includes("begin 0 switches");
const asksSymptoms = (script: string) => /symptom_\d+/.test(script) && !/^look \d+$/m.test(script);
const asksGoals = (script: string) => /^frame \d+ goal goal_\d+$/m.test(script);

const onCp1 = { limit: "cp1" };

it("plan: one connection and one read of facts a node, one read a step", async () => {
  const count = counter();
  const steps = `
  - break: files/immutable
  - break: files/unicode-doppelganger
  - break: persistence/rogue-systemd-unit
  - operations: [{ kind: file, path: /etc/motd.d-note, content: hello }]
    targets: all`;
  await bench.plan(await bench.playbook(`name: count\nsteps:${steps}\n`), { connect: count.connect });
  expect(count.connections.toSorted()).toEqual(["cp1", "w1"]);
  expect(count.trips("cp1", readsFacts)).toBe(1);
  expect(count.trips("w1", readsFacts)).toBe(1);
  expect(count.trips("cp1", reads)).toBe(4);
  expect(count.trips("w1", reads)).toBe(1);
  expect(count.runs.length).toBe(1 + 4 + 1 + 1);
});

it.each([
  ["one operation", "files/immutable"],
  ["five operations", "persistence/rogue-systemd-unit"],
])("apply: two round trips for a step of %s, besides its symptom's", async (_what, id) => {
  const count = counter();
  const run = await bench.apply(await bench.single(id), { ...onCp1, connect: count.connect });
  expect(count.connections).toEqual(["cp1"]);
  expect(count.trips("cp1", readsFacts)).toBe(1);
  expect(count.trips("cp1", reads)).toBe(1);
  expect(count.trips("cp1", applies)).toBe(1);
  const polls = count.trips("cp1", asksSymptoms);
  expect(polls).toBeGreaterThanOrEqual(1);
  expect(count.runs.length).toBe(3 + polls);
  await bench.undo(run);
});

it("apply of what can cut the way in: one connection and one round trip more, and its undo none", async () => {
  const count = counter();
  const playbook = await bench.playbook(`
name: way
steps:
  - operations: [{ kind: firewall-rule, chain: INPUT, rule: [-p, tcp, --dport, '9', -j, DROP] }]
    targets: cp1
`);
  const run = await bench.apply(playbook, { connect: count.connect });
  expect(count.connections).toEqual(["cp1", "cp1"]);
  expect(count.trips("cp1", applies)).toBe(1);
  expect(count.trips("cp1", cancels)).toBe(1);
  expect(count.runs.length).toBe(4);

  const undoing = counter();
  expect(await bench.undo(run, { connect: undoing.connect })).toMatchObject({ complete: true });
  expect(undoing.trips("cp1", cancels)).toBe(0);
  expect(undoing.runs.length).toBe(3);
});

it("apply without --verify asks no symptom; a goal is one more round trip, before anything is changed", async () => {
  const count = counter();
  const playbook = await bench.playbook(`
name: goals
goal:
  - { name: one, on: cp1, run: "true" }
  - { name: two, on: cp1, run: "true" }
steps:
  - break: files/immutable
`);
  await bench.apply(playbook, { connect: count.connect, options: { verify: false } });
  expect(count.trips("cp1", asksSymptoms)).toBe(0);
  expect(count.trips("cp1", asksGoals)).toBe(1);
  expect(count.runs.findIndex(({ script }) => asksGoals(script))).toBeLessThan(
    count.runs.findIndex(({ script }) => applies(script)),
  );
  expect(count.runs.length).toBe(4);
});

it("undo: one connection; a look, a restoration and a look, however many operations there are", async () => {
  const playbook = await bench.playbook(
    "name: both\nsteps: [{ break: files/immutable }, { break: files/unicode-doppelganger }]\n",
  );
  const run = await bench.apply(playbook);
  const count = counter();
  expect(await bench.undo(run, { connect: count.connect })).toMatchObject({ complete: true });
  expect(count.connections).toEqual(["cp1"]);
  expect(count.trips("cp1", restores)).toBe(1);
  expect(count.runs.length).toBe(3);

  const second = counter();
  await bench.undo(run, { connect: second.connect });
  expect(second.trips("cp1", restores), "nothing to restore").toBe(0);
  expect(second.runs.length).toBe(1);
});

it("undo of what breaks again: its actors are ended and looked at before the rest", async () => {
  const run = await bench.apply(await bench.single("persistence/rogue-systemd-unit"), onCp1);
  const count = counter();
  expect(await bench.undo(run, { connect: count.connect })).toMatchObject({ complete: true });
  expect(count.trips("cp1", restores)).toBe(2);
  expect(count.runs.length).toBe(4);
});
