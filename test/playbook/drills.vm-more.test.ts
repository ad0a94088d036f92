import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Bench, useBench } from "../support/bench.ts";
import { provePlaybook } from "./prove.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await useBench({ provider: "vm", nodes: "1" });
}, 900_000);
afterEach(() => bench.undoAll());
afterAll(() => bench?.end());

// What only a machine's kernel can. The drill of latency is not more than its break, which is proven on machines.
it("etcd-starved is applied, its goal is not met, is undone, and its goal is met", async () => {
  expect(await provePlaybook(bench, "drills/etcd-starved.yaml", 120_000)).toBe(true);
}, 600_000);
