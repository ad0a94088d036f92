import { afterAll, beforeAll, expect, it } from "vitest";
import { RolledBackError } from "../../src/errors.ts";
import { type Bench, on, useBench } from "../support/bench.ts";

let engine: Bench;
beforeAll(async () => {
  engine = await useBench({ provider: "vm", nodes: "1" });
}, 600_000);
afterAll(() => engine?.end());

const queues = () => on(engine.lab.node("cp1"), "cut -d' ' -f1 /proc/modules | sort; tc qdisc show");

it("a loss of all that leaves the machine, ssh's answers too, is put back by the machine itself", async () => {
  const before = await queues();
  const playbook = await engine.playbook(`
name: loss
steps:
  - { name: loss, operations: [{ kind: qdisc, device: eth0, discipline: [netem, loss, "100%"] }] }
`);
  // The machine has to be found gone, and an emulated one takes seconds to arm what puts it back.
  const { result } = await engine.attempt(playbook, { options: { confirm: 24 } });
  expect(result.targets).toMatchObject([{ error: expect.any(RolledBackError), undone: { complete: true } }]);
  expect(await queues()).toBe(before);
});
