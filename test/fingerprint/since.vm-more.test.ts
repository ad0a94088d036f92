import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
    await on(node, cheats.map(({ plant }) => plant).join("\n"));
    found = await changesSince(node, before);
    await on(node, [...cheats.map(({ remove }) => remove), times].join("\n"));
    const keys = found.map(({ section, key }) => `${section} ${key}`).sort();
    const folders = foldersOfCheats.map((folder) => `files ${folder}`);
    const seen = cheats.flatMap((cheat) => cheat.seen.map(([section, key]) => `${section} ${key}`));
    expect(keys.filter((key) => !folders.includes(key))).toEqual(seen.sort());
  });

  it("finds nothing when they were put back", async () => {
    const began = performance.now();
    expect(await changesSince(node, before)).toEqual([]);
    process.stdout.write(
      `a look at a machine since an earlier one: ${Math.round(performance.now() - began)} ms\n`,
    );
  });
});
