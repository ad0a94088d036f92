import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Fingerprint } from "../src/fingerprint/types.ts";
import { type Bench, changesSince, look, on, useBench } from "./support/bench.ts";
import type { TestNode } from "./support/lab.ts";

let bench: Bench;
let node: TestNode;
let before: Fingerprint;

beforeAll(async () => {
  bench = await useBench({ nodes: "1+0", fresh: true });
  node = bench.lab.node("cp1");
  before = await look(node);
});
afterEach(() => bench?.undoAll());
afterAll(() => bench?.end());

const steps = `
name: timed
steps:
  - break: persistence/rogue-systemd-unit
    targets: cp1
  - operations:
      - { kind: file, path: /etc/ssh/sshd_config.d/00.conf, content: "# note\\n" }
      - { kind: firewall-rule, chain: INPUT, rule: [-p, tcp, --dport, '9', -j, DROP] }
    targets: cp1
`;

const begin = async (seconds: number) =>
  bench.apply(await bench.playbook(steps), { options: { ttl: seconds, confirm: 60 } });

/** Waits for what a probe on the node says. */
async function until(script: string, deadline: number): Promise<void> {
  for (const end = Date.now() + deadline; ; await sleep(500)) {
    if ((await node.exec(script)).code === 0) return;
    if (Date.now() > end) throw new Error(`not within ${deadline} ms: ${script}`);
  }
}

const timeLeft = async (run: string) => (await bench.status(run)).ttl?.[0]?.left;

/** True when nothing of a switch is on the disk any more. */
const over = "! ls -d /etc/systemd/system/run-r* 2>/dev/null";

it("undoes the whole run at its time, though nobody is there to do it, and leaves no trace", async () => {
  const run = await begin(45);
  expect(await timeLeft(run)).toBeGreaterThan(0);
  await until(over, 150_000);
  expect(await changesSince(node, before)).toEqual([]);
  expect(await timeLeft(run)).toBe(null);
  const { complete, targets } = await bench.undo(run);
  expect(complete).toBe(true);
  expect(targets[0]?.operations.map(({ verdict }) => verdict)).toEqual(
    targets[0]?.operations.map(() => "fixed exactly"),
  );
  expect((await bench.status(run)).status).toBe("undone");
  expect(await changesSince(node, before)).toEqual([]);
}, 400_000);

it("also when the node was started again and its clock was set back meanwhile", async () => {
  const run = await begin(90);
  // As if the time of day had been a day later when it was last noted.
  await on(
    node,
    "cd /etc/systemd/system/run-r*.d; read -r boot end left then <t; echo $boot $end $left $((then + 86400)) >t; sync",
  );
  await node.powerCut();
  await node.start();
  const left = await timeLeft(run);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(90);
  await until(over, 240_000);
  expect(await bench.undo(run)).toMatchObject({ complete: true });
  expect(await changesSince(node, before)).toEqual([]);
}, 400_000);

it("can be set to another time, taken off, and goes with an undo", async () => {
  const run = await begin(3600);
  expect(await timeLeft(run)).toBeGreaterThan(3500);
  await bench.ttl(run, 7200);
  expect(await timeLeft(run)).toBeGreaterThan(7100);
  await bench.ttl(run);
  expect((await bench.status(run)).ttl).toBeUndefined();
  await on(node, over);
  await bench.ttl(run, 1800);
  expect(await timeLeft(run)).toBeGreaterThan(1700);
  expect((await bench.status(run)).steps.map(({ state }) => state)).toEqual(["in effect", "in effect"]);
  expect(await bench.undo(run)).toMatchObject({ complete: true });
  await on(node, over);
  expect(await changesSince(node, before)).toEqual([]);
}, 400_000);
