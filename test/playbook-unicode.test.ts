import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { run as kbreak } from "../src/cli/program.ts";
import { ConfigError, PreconditionError } from "../src/errors.ts";
import type { Fingerprint } from "../src/fingerprint/types.ts";
import { confusablesOf, describeCharacter } from "../src/helpers/confusables.ts";
import { renderPlan } from "../src/render/plan.ts";
import { type Bench, changesSince, look, on, useBench } from "./support/bench.ts";
import type { TestNode } from "./support/lab.ts";

const id = "files/unicode-doppelganger";
const file = "/etc/kubernetes/scheduler.conf";

let bench: Bench;
let cp1: TestNode;
let before: Fingerprint;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "unicode-"));
  bench = await useBench({ nodes: "1+0" });
  cp1 = bench.lab.node("cp1");
  before = await look(cp1);
});
afterEach(() => bench?.undoAll());
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await bench?.end();
});

const changes = () => changesSince(cp1, before);

/** Runs the command line in this process. */
async function cli(...words: readonly string[]) {
  const err: string[] = [];
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation(() => true);
  const stderr = vi.spyOn(process.stderr, "write").mockImplementation((text) => err.push(String(text)) > 0);
  const exitCode = process.exitCode;
  try {
    const code = await kbreak([...words]);
    return { code, stderr: err.join("") };
  } finally {
    process.exitCode = exitCode;
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

const rule = "name: night\nrules:\n  forbid: [unicode]\nsteps:\n";

describe("a playbook that forbids unicode", () => {
  const refused: readonly (readonly [string, string, RegExp])[] = [
    [
      "the doppelganger",
      `  - break: ${id}\n`,
      /:5:12: the playbook forbids `unicode`, but `files\/unicode-doppelganger` uses/,
    ],
    [
      "text of the playbook's own",
      "  - operations:\n      - kind: file\n        path: /etc/motd\n        content: w\u0435lcome\n",
      /:6:15: the playbook forbids `unicode`, but `file` uses/,
    ],
    [
      "a letter in an edit",
      `  - operations:\n      - kind: file\n        path: ${file}\n        replace: [{ find: "kind: Config", with: "kind: C\u043Enfig" }]\n`,
      /:6:15: the playbook forbids `unicode`, but `file` uses/,
    ],
  ];

  it.each(refused)("refuses %s: validate", async (_what, step, message) => {
    const path = join(folder, "night.yaml");
    writeFileSync(path, rule + step);
    const { code, stderr } = await cli("validate", path);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it.each(refused)("refuses %s: apply, and nothing is touched", async (_what, step, message) => {
    const path = join(folder, "night.yaml");
    writeFileSync(path, rule + step);
    const { code, stderr } = await cli("apply", path, "-i", bench.lab.inventory, "--yes");
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    await expect(bench.playbook(rule + step)).rejects.toThrow(ConfigError);
    expect(await changes()).toEqual([]);
  });

  it("refuses a letter that comes in by another break's parameter, before anything is touched", async () => {
    const playbook = await bench.playbook(
      `${rule}  - break: persistence/rogue-systemd-unit\n    params: { replace: "--l\u0435ader-elect=true" }\n`,
    );
    const refusal = bench.apply(playbook);
    await expect(refusal).rejects.toThrow(PreconditionError);
    await expect(refusal).rejects.toThrow(/forbids `unicode`/);
    expect(await changes()).toEqual([]);
  });

  it("takes everything else", async () => {
    await bench.playbook(
      `${rule}  - break: files/immutable\n  - operations: [{ kind: file, path: /etc/motd, content: welcome }]\n`,
    );
  });

  it("which is not forbidden is allowed", async () => {
    await bench.playbook(`name: day\nsteps:\n  - break: ${id}\n`);
  });
});

describe("the letter", () => {
  it("has its code point in the plan, and only there can it be told from the other", async () => {
    const shown = renderPlan(await bench.plan(await bench.single(id)), true);
    expect(shown).toContain("U+0435");
    expect(shown).toContain("current-context: system:kube-schedul\u0435r@kubernetes");
    expect(shown).toContain("current-context: system:kube-scheduler@kubernetes");
    expect(shown).toContain(file);
  });

  it("can be any that looks alike", async () => {
    const others = confusablesOf("e").filter((one) => one !== "\u0435");
    expect(others.length).toBeGreaterThan(0);
    for (const one of others.slice(0, 2)) {
      const run = await bench.apply(await bench.single(id, `lookalike=${one}`));
      expect(await on(cp1, `grep current-context ${file}`)).toBe(
        `current-context: system:kube-schedul${one}r@kubernetes\n`,
      );
      expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    }
    expect(await changes()).toEqual([]);
  });

  it.each([
    ["another letter", "x"],
    ["itself", "e"],
    ["a foreign letter of another shape", "\u042F"],
    ["an emoji", "\u{1F600}"],
    ["two letters", "\u0435\u0435"],
    ["an invisible one", "\u200B"],
  ])("must look alike: %s is refused with those that do", async (_what, one) => {
    const refusal = bench.apply(await bench.single(id, `lookalike=${one}`));
    await expect(refusal).rejects.toThrow(PreconditionError);
    await expect(refusal).rejects.toThrow(describeCharacter("\u0435"));
    expect((await on(cp1, `grep -c kube-scheduler@ ${file}`)).trim()).not.toBe("0");
  });

  it.each([
    ["text=not in the file", /is 0 times in/],
    ["text=system:kube-scheduler", /is \d+ times in .*not once/],
    ["letter=z", /`text` has no "z"/],
    ["letter=@", /knows nothing that looks like "@"/],
  ])("is refused where it cannot go: %s", async (param, message) => {
    const refusal = bench.plan(await bench.single(id, param));
    await expect(refusal).rejects.toThrow(message);
  });
});
