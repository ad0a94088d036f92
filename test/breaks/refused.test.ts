import { afterAll, beforeAll, expect, it } from "vitest";
import { type Bench, useBench } from "../support/bench.ts";
import { apiBreaks } from "./proof.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await useBench();
});
afterAll(() => bench?.end());

it("the breaks of API objects are refused by name where no API answers, each on one control plane node", async () => {
  expect(apiBreaks.length).toBeGreaterThan(20);
  for (const id of apiBreaks)
    await expect(
      bench.single(id).then((playbook) => bench.plan(playbook)),
      id,
    ).rejects.toThrow(`cp1: ${id}: no API server answers the administrator on cp1`);
});
