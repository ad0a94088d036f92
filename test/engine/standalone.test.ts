import { afterAll, beforeAll, expect, it } from "vitest";
import { STANDALONE_EXIT, standaloneOf } from "../../src/engine/standalone.ts";
import type { UndoLog } from "../../src/engine/undo-log.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import { attempt, type Ran } from "../../src/lab/command.ts";
import { labSsh } from "../../src/lab/lab.ts";
import { type Bench, changesSince, look, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";

const playbook = `
name: many ways
description: One break of each sort that a node without a kernel of its own can have.
steps:
  - break: files/immutable
  - break: files/unicode-doppelganger
  - break: access/kubeconfig-exec-helper
  - break: persistence/rogue-systemd-unit
  - name: an empty corner
    operations:
      - { kind: firewall-rule, chain: INPUT, rule: [-p, tcp, --dport, "3117", -j, DROP] }
      - { kind: folder, path: /root/corner }
      - { kind: file, path: /root/note, content: "it's 'quoted'\\n" }
      - { kind: process, command: [sleep, "3117"] }
`;

let bench: Bench;
let cp1: TestNode;
let before: Fingerprint;
let run: string;

/** What somebody does who has the script and a login, and no kbreak. */
const byHand = (script: string, user: "root" | "lab" = "root"): Promise<Ran> =>
  attempt([...labSsh(bench.lab.name, cp1.name, user), "sh -s"], { input: script });

const script = (log: UndoLog, place = cp1.identity as { readonly machineId: string }) =>
  standaloneOf(log, cp1.name, { place });

beforeAll(async () => {
  bench = await useBench({ nodes: "1+1" });
  cp1 = bench.lab.node("cp1");
  before = await look(cp1);
  run = await bench.apply(await bench.playbook(playbook), { limit: cp1.name });
});
afterAll(async () => {
  await bench?.undoAll();
  await bench?.end();
});

/** What has changed on the broken node, but for its processes: those of the actor there come and go. */
const changed = async (broken: Fingerprint) =>
  (await changesSince(cp1, broken)).filter(({ section }) => section !== "processes");

it("does nothing on another machine, or without root", async () => {
  const broken = await look(cp1);
  const log = bench.log(run);
  expect(await byHand(script(log, { machineId: "0".repeat(32) }))).toMatchObject({
    code: STANDALONE_EXIT.refused,
    stderr: expect.stringContaining("this is another machine than the one that it is for"),
  });
  expect(await byHand(script(log), "lab")).toMatchObject({
    code: STANDALONE_EXIT.refused,
    stderr: expect.stringContaining("this has to be run as root"),
  });
  expect(await changed(broken)).toEqual([]);
});

it("does nothing when a part of it is missing", async () => {
  const broken = await look(cp1);
  const whole = script(bench.log(run));
  for (const part of [0.1, 0.5, 0.9]) {
    const { code, stdout } = await byHand(whole.slice(0, whole.length * part));
    expect([stdout, code === 0]).toEqual(["", false]);
  }
  const { code, stdout } = await byHand(whole.slice(0, -2));
  expect([stdout, code === 0]).toEqual(["", false]);
  expect(await changed(broken)).toEqual([]);
});

it("says what it could not put back, and why, and goes on with the rest", async () => {
  await on(cp1, "echo mine >/root/corner/mine");
  const { code, stdout } = await byHand(script(bench.log(run)));
  expect(stdout).toMatch(/^left: create the folder \/root\/corner: .*not empty/m);
  expect(stdout.match(/^restored: /gm)?.length).toBeGreaterThanOrEqual(8);
  expect(stdout.match(/^left: /gm)).toHaveLength(1);
  expect(code).toBe(STANDALONE_EXIT.left);
  await on(cp1, "rm /root/corner/mine");
});

it("leaves the node as it was, and undo finds nothing to do", async () => {
  const { code, stdout, stderr } = await byHand(script(bench.log(run)));
  expect([stdout.replaceAll(/^restored: .*\n/gm, ""), stderr, code]).toEqual(["", "", 0]);
  const { complete, targets } = await bench.undo(run);
  expect(complete).toBe(true);
  for (const { verdict } of targets[0]?.operations ?? []) expect(verdict).toBe("fixed exactly");
  expect(await changesSince(cp1, before)).toEqual([]);
});
