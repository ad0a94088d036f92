import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { differences } from "../../src/fingerprint/differences.ts";
import type { Difference, Fingerprint } from "../../src/fingerprint/types.ts";
import { changesSince, look, on } from "../support/bench.ts";
import { type TestLab, type TestNode, useLab } from "../support/lab.ts";
import { cheats, foldersOfCheats, groundOfCheats, timesOf } from "./plants.ts";

// On a namespace node an overlay gives a file that is written to another inode, too. Here only its time of change tells.

let lab: TestLab;
let node: TestNode;
let before: Fingerprint;

beforeAll(async () => {
  lab = await useLab({ provider: "vm", nodes: "1" });
  node = lab.node("cp1");
  await on(node, groundOfCheats);
  before = await look(node);
}, 600_000);

afterAll(async () => {
  if (node !== undefined) await on(node, "rm -rf /srv/play");
  await lab?.down();
});

describe("a look at a machine since an earlier one", () => {
  let found: readonly Difference[];

  it("finds what tries to pass for a path that nobody wrote to, and nothing else", async () => {
    const times = await on(node, timesOf(foldersOfCheats));
    for (const { plant } of cheats) await on(node, plant);
    found = await changesSince(node, before);
    for (const { remove } of [...cheats].reverse()) await on(node, remove);
    await on(node, times);
    const keys = found.map(({ section, key }) => `${section} ${key}`).sort();
    const folders = foldersOfCheats.map((folder) => `files ${folder}`);
    const seen = cheats.flatMap((cheat) => cheat.seen.map(([section, key]) => `${section} ${key}`));
    expect(keys.filter((key) => !folders.includes(key))).toEqual(seen.sort());
  });

  it("finds nothing when they were put back, in a fraction of the time", async () => {
    const began = performance.now();
    const after = await look(node, before);
    const took = performance.now() - began;
    process.stdout.write(`a look at a machine since an earlier one: ${Math.round(took)} ms\n`);
    expect(differences(before, after)).toEqual([]);
    expect(took).toBeLessThan(30_000);
  });
});
