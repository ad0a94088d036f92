import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Bench, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";

let bench: Bench;
let node: TestNode;

beforeAll(async () => {
  bench = await useBench();
  node = bench.lab.node("cp1");
});

afterEach(async () => {
  await bench.undoAll();
  await on(node, "rm -rf /srv/relapse");
});

afterAll(() => bench?.end());

const keepers = [
  "rogue-systemd-unit",
  "rogue-cron",
  "at-job",
  "path-unit",
  "prompt-command",
  "hidden-process",
  "ld-so-preload",
];

const repair = (names: readonly string[]) =>
  on(node, `cd /srv/relapse; for one in ${names.join(" ")}; do echo sound > "$one"; done`);

/** The files that say so. */
const saying = async (word: string) =>
  (await on(node, `cd /srv/relapse; grep -lx ${word} * || :`)).split("\n").filter((name) => name !== "");

it("what a person repairs is broken again by each of them, and by none after undo", async () => {
  await on(node, "mkdir /srv/relapse");
  await repair(keepers);
  const runs: string[] = [];
  for (const name of keepers)
    runs.push(
      await bench.apply(
        await bench.single(
          `persistence/${name}`,
          `path=/srv/relapse/${name}`,
          "find=sound",
          "replace=broken",
        ),
        { limit: node.name },
      ),
    );
  expect(await saying("broken")).toEqual([...keepers].sort());

  await repair(keepers);
  // cron and at look once a minute; the prompt waits for somebody to be there.
  await expect
    .poll(
      async () => {
        await on(node, "echo : | bash -i 2>/dev/null");
        return saying("broken");
      },
      { timeout: 300_000, interval: 2000 },
    )
    .toEqual([...keepers].sort());
  // The second round of at is the job that the first has queued.
  await repair(["at-job"]);
  await expect.poll(() => saying("broken"), { timeout: 300_000, interval: 2000 }).toContain("at-job");

  for (const run of runs.toReversed())
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
  expect(await saying("sound")).toEqual([...keepers].sort());
  // Longer than the longest period: nothing of it is left in cron's memory or in a queue.
  await sleep(65_000);
  await on(node, "echo : | bash -i 2>/dev/null");
  expect(await saying("sound")).toEqual([...keepers].sort());
}, 1_200_000);
