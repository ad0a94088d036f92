import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Bench, useBench } from "../support/bench.ts";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { provePlaybook } from "./prove.ts";

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "a whole episode on a cluster", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await useBench({ kubernetes: true });
  }, 600_000);
  afterEach(() => bench.undoAll());
  afterAll(() => bench?.end());

  it("is applied, its goal is not met, is undone, and its goal is met", async () => {
    expect(await provePlaybook(bench, "alex-and-alistair.yaml", 240_000)).toBe(true);
  });
});
