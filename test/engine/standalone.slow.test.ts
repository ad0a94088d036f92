import { afterAll, beforeAll, expect, it } from "vitest";
import { attributes, editFile, folder, mode, writeFile } from "../../src/operations/constructors.ts";
import { useLab } from "../support/lab.ts";
import {
  apply,
  applying,
  type Bench,
  killedAt,
  openBench,
  prepare,
  restoreAlone,
  restoringAlone,
} from "../support/operations.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await openBench((await useLab()).node("w1"));
});
afterAll(() => bench.close());

/** In the folder there is one file that is edited; the rest is new. */
const evidence =
  "stat -c '%n %a %u %Y %s' /root /root/alone /root/alone/*; cat /root/alone/*; lsattr -d /root/alone/old";
const operations = [
  folder("/root/alone/new"),
  writeFile("/root/alone/new/file", "new\n"),
  editFile("/root/alone/old", [{ find: "old", with: "other" }]),
  mode("/root/alone/old", { mode: "0600" }),
  attributes("/root/alone/old", "i"),
];

it("a node that was left half-done anywhere puts itself back, also when that was cut off anywhere", async () => {
  await bench.run("mkdir /root/alone; echo old >/root/alone/old; touch -d 2020-01-01 /root/alone");
  try {
    const before = await bench.run(evidence);
    let deaths = 0;
    for (const what of ["apply", "restore"] as const)
      for (let call = 1; ; call += 1) {
        const prepared = await prepare(bench, ...operations);
        if (what === "restore") await apply(bench, prepared);
        const killed = await killedAt(
          bench,
          what === "apply" ? applying(prepared) : restoringAlone(prepared),
          call,
        );
        expect(await restoreAlone(bench, prepared), `${what} killed at ${call}`).toMatch(/exit code 0$/);
        expect(await bench.run(evidence), `${what} killed at ${call}`).toBe(before);
        if (!killed) break;
        deaths += 1;
      }
    expect(deaths).toBeGreaterThan(20);
  } finally {
    await bench.run("chattr -i /root/alone/old; rm -r /root/alone");
  }
}, 400_000);
