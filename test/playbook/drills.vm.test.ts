import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Bench, useBench } from "../support/bench.ts";
import { provePlaybook } from "./prove.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await useBench({ provider: "vm", nodes: "1+1" });
}, 900_000);
afterEach(() => bench.undoAll());
afterAll(() => bench?.end());

// What only some kernels can: that of a machine can.
it.each(["latency", "etcd-starved"])("%s is applied, undone, and its goal is met again", async (name) => {
  expect(await provePlaybook(bench, `drills/${name}.yaml`, 120_000)).toBe(true);
});
