import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { cachedPrograms } from "../../src/lab/kubernetes/programs.ts";
import { type Bench, useBench } from "../support/bench.ts";
import { provePlaybook } from "./prove.ts";

const missing = cachedPrograms() === undefined ? " (skipped: see test/lab/kubernetes/README.md)" : "";

describe.skipIf(missing !== "")(`the drills on a real cluster${missing}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await useBench({ kubernetes: true });
  }, 600_000);
  afterEach(() => bench.undoAll());
  afterAll(() => bench?.end());

  // What needs a kernel of its own is in drills.vm-more.test.ts; a page without a row is `npm run demo -- --kubernetes`.
  it.each(["node-not-ready", "exec-helper", "etcd-full"])(
    "%s is applied, its goal is not met, is undone, and its goal is met",
    async (name) => {
      // A kubelet takes a minute to say that its node is ready again.
      expect(await provePlaybook(bench, `drills/${name}.yaml`, 240_000)).toBe(true);
    },
  );
});
