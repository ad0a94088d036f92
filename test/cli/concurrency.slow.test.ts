import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { lockTarget } from "../../src/engine/locks.ts";
import { type Run, readRuns, runIds, runsFolder } from "../../src/engine/runs.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import { changesSince, look } from "../support/bench.ts";
import { type TestLab, type TestNode, useLab } from "../support/lab.ts";
import { type Product, type Started, useProduct } from "../support/product.ts";

let product: Product;
let lab: TestLab;
let node: TestNode;
let before: Fingerprint;
let data: string;
let started: Started[] = [];

beforeAll(async () => {
  [product, lab] = await Promise.all([useProduct(), useLab()]);
  node = lab.node("cp1");
  before = await look(node);
});
afterAll(async () => {
  product?.remove();
  await lab?.down();
});
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "kbreak-cli-"));
});
afterEach(async () => {
  for (const { child } of started) child.kill("SIGKILL");
  await Promise.all(started.map(({ ended }) => ended));
  started = [];
  // Whatever became of the test, the shared node goes back as it was.
  await kbreak("undo", "--all", "--exact");
  rmSync(data, { recursive: true, force: true });
});

const kbreak = (...words: readonly string[]) => product.kbreak(data, ...words);

function start(...words: readonly string[]): Started {
  const one = product.start(data, ...words);
  started.push(one);
  return one;
}

const startApply = (what: string, ...words: readonly string[]) =>
  start("apply", what, "-i", lab.inventory, "-l", node.name, "--yes", ...words);

async function apply(what: string, ...words: readonly string[]): Promise<string> {
  const { code, stderr } = await startApply(what, ...words).ended;
  expect(`${code} ${code === 0 ? "" : stderr}`).toBe("0 ");
  return runIds(data).at(-1) ?? "";
}

const runs = (): readonly Run[] => readRuns(data).runs;
const statuses = () => runs().map(({ status }) => status);
const expectSound = async () => expect(await changesSince(node, before)).toEqual([]);

/** Waits until the undo log of the newest run has an intent, or the process has ended. */
async function begun({ child }: Started): Promise<void> {
  const isBegun = () =>
    runIds(data).some((id) => {
      const file = join(runsFolder(data), id, "log.jsonl");
      return existsSync(file) && readFileSync(file, "utf8").includes('"type":"intent"');
    });
  while (child.exitCode === null && !isBegun()) await sleep(5);
}

function playbook(...steps: readonly string[]): string {
  const file = join(data, "playbook.yaml");
  const text = ["name: test", "description: A test.", "steps:", ...steps.map((line) => `  ${line}`)];
  writeFileSync(file, `${text.join("\n")}\n`);
  return file;
}

describe("two applies on one node", () => {
  it("begun together: one wins, the other says why it cannot and touches nothing", async () => {
    const ended = await Promise.all(
      [startApply("files/immutable"), startApply("files/immutable")].map((one) => one.ended),
    );
    expect(ended.map(({ code }) => code).toSorted()).toEqual([0, 1]);
    const loser = ended.find(({ code }) => code === 1);
    expect(loser?.stderr).toMatch(
      /is being worked on by run|it is no longer what was read|has the flags i already|symptom is there already|both change/,
    );
    expect(statuses().filter((status) => status !== "undone")).toEqual(["applied"]);
    expect(await kbreak("undo")).toMatchObject({ code: 0 });
    await expectSound();
  });

  it("while another run is at work on the node it is refused with that run, and touches nothing", async () => {
    const release = lockTarget(data, node.name, node.identity.machineId, "20260301-201500-aaaa");
    try {
      const { code, stderr } = await startApply("files/immutable").ended;
      expect(stderr).toContain(`${node.name} is being worked on by run 20260301-201500-aaaa of `);
      expect(stderr).toContain("hint: wait until it has ended");
      expect(code).toBe(1);
      expect(runs()).toEqual([]);
      await expectSound();
    } finally {
      release();
    }
  });
});

describe("undo", () => {
  it("of one run by two at once: one does it, the other is told, and nothing is left", async () => {
    await apply("persistence/rogue-systemd-unit");
    const ended = await Promise.all([start("undo"), start("undo")].map((one) => one.ended));
    expect(ended.map(({ code }) => code).toSorted()).toEqual([0, 1]);
    const loser = ended.find(({ code }) => code === 1);
    expect(loser?.stderr).toContain("is being worked on by run");
    expect(statuses()).toEqual(["undone"]);
    await expectSound();
  });

  it("while apply is still at work is refused, and apply comes to its end", async () => {
    const first = startApply("etcd/quota-fill");
    await begun(first);
    const { code, stderr } = await kbreak("undo");
    expect(stderr).toContain("is being worked on by run");
    expect(code).toBe(1);
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(await kbreak("undo")).toMatchObject({ code: 0 });
    await expectSound();
  });

  it("twice does no harm, by the run's name neither", async () => {
    const run = await apply("files/unicode-doppelganger");
    expect(await kbreak("undo")).toMatchObject({ code: 0, stdout: `run ${run}: undone\n` });
    const again = await kbreak("undo");
    expect(again).toMatchObject({ code: 0, stdout: "" });
    expect(again.stderr).toContain("there is no open run");
    expect(await kbreak("undo", run)).toMatchObject({ code: 0, stdout: `run ${run}: undone\n` });
    expect(statuses()).toEqual(["undone"]);
    await expectSound();
  });

  it("of a run that was killed", async () => {
    const first = startApply("etcd/quota-fill");
    await begun(first);
    first.child.kill("SIGKILL");
    await first.ended;
    expect(statuses()).toEqual(["interrupted"]);
    expect(await kbreak("undo")).toMatchObject({ code: 0 });
    expect(statuses()).toEqual(["undone"]);
    await expectSound();
  });

  it("of a run that failed and was kept", async () => {
    const file = playbook(
      "- name: a unit that fails",
      "  operations:",
      "    - { kind: file, path: /etc/systemd/system/one-shot.service, reload: one-shot.service,",
      '        content: "[Service]\\nType=oneshot\\nExecStart=/bin/false\\n" }',
      "    - { kind: unit, unit: one-shot.service, active: true }",
    );
    const { code } = await startApply(file, "--keep").ended;
    expect(code).toBe(1);
    expect(statuses()).toEqual(["failed"]);
    expect((await changesSince(node, before)).length).toBeGreaterThan(0);
    expect(await kbreak("undo")).toMatchObject({ code: 0 });
    expect(statuses()).toEqual(["undone"]);
    await expectSound();
  });
});

describe("Ctrl-C", () => {
  const two = () => playbook("- break: etcd/quota-fill", "- break: files/immutable");

  it("during apply finishes the step, begins no other, and undoes", async () => {
    const first = startApply(two());
    await begun(first);
    first.child.kill("SIGINT");
    const { code, stderr, stdout } = await first.ended;
    expect(stderr).toContain("interrupted");
    expect(stdout).toContain("everything was undone");
    expect(code).toBe(130);
    expect(statuses()).toEqual(["undone"]);
    const begunSteps = runs()[0]?.records.flatMap((one) => (one.type === "intent" ? [one.step] : []));
    expect(begunSteps).toEqual([0]);
    await expectSound();
  });

  it("with --keep leaves what was applied, and undo takes it back", async () => {
    const first = startApply(two(), "--keep");
    await begun(first);
    first.child.kill("SIGINT");
    const { code } = await first.ended;
    expect(code).toBe(130);
    expect(statuses()).toEqual(["interrupted"]);
    expect((await changesSince(node, before)).length).toBeGreaterThan(0);
    expect(await kbreak("undo")).toMatchObject({ code: 0 });
    await expectSound();
  });

  it("twice ends at once, and undo takes it back", async () => {
    const first = startApply(two());
    await begun(first);
    first.child.kill("SIGINT");
    while (first.child.exitCode === null) {
      await sleep(50);
      first.child.kill("SIGINT");
    }
    const { code } = await first.ended;
    expect(code).toBe(130);
    expect(statuses()).toEqual(["interrupted"]);
    expect(await kbreak("undo")).toMatchObject({ code: 0 });
    await expectSound();
  });

  it("during undo lets it come to its end", async () => {
    await apply("persistence/rogue-systemd-unit");
    const undo = start("undo");
    while (undo.child.exitCode === null && !runs()[0]?.records.some(({ type }) => type === "undo"))
      await sleep(5);
    undo.child.kill("SIGINT");
    await undo.ended;
    expect(statuses()).toEqual(["undone"]);
    await expectSound();
  });
});

describe("several open runs", () => {
  it("are listed when none is named, and --all undoes the newest first", async () => {
    const path = "/etc/kubernetes/scheduler.conf";
    const older = await apply("files/unicode-doppelganger", "--param", `path=${path}`);
    // Only when this one is undone can the file be written again.
    const newer = await apply("files/immutable", "--param", `path=${path}`);
    const unnamed = await kbreak("undo");
    expect(unnamed.code).toBe(64);
    expect(unnamed.stderr).toContain("2 runs are open");
    for (const run of [older, newer]) expect(unnamed.stderr).toContain(run);
    expect(unnamed.stderr).toContain("--all");
    expect(statuses()).toEqual(["applied", "applied"]);
    expect(await kbreak("undo", "--all")).toMatchObject({
      code: 0,
      stdout: `run ${newer}: undone\nrun ${older}: undone\n`,
    });
    await expectSound();
  });
});
