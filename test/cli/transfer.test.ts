import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { attempt } from "../../src/lab/command.ts";
import { labSsh } from "../../src/lab/lab.ts";
import { on } from "../support/bench.ts";
import { type Desk, useDesk } from "./support.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await useDesk();
});
afterEach(async () => {
  await desk.kbreak("undo", "--all", "--exact");
});
afterAll(() => desk?.end());

const playbook = () =>
  desk.write(
    "moved.yaml",
    `name: moved
steps:
  - { break: files/immutable, targets: cp1 }
  - { break: files/unicode-doppelganger, targets: cp1 }
  - { break: persistence/rogue-systemd-unit, targets: cp1 }
  - name: a note on the worker
    targets: w1
    operations:
      - { kind: file, path: /root/note, content: "moved\\n" }
`,
  );

async function applied(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await desk.kbreak("apply", "--yes", ...words, "-o", "name");
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  return stdout.trim();
}

describe("runs export RUN FILE, runs import FILE", () => {
  it("another operator undoes it with an inventory of their own, when the first one's is gone", async () => {
    const { key = "" } = desk.lab.node("cp1").access;
    const mine = desk.write("key", readFileSync(key));
    const inventory = desk.inventory({ cp1: { fields: { key: mine } } });
    const run = await applied("files/immutable", "-i", inventory);
    const file = join(desk.folder, "for-ann.json");
    const exported = await desk.kbreak("runs", "export", run, file);
    expect(exported).toMatchObject({ code: 0, stdout: "" });
    expect(exported.stderr).toContain("keep it as secret as the undo log");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await desk.kbreak("runs", "export", run, file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("name a file that is not there yet"),
    });
    for (const gone of [mine, inventory, join(desk.data, "runs", run)]) rmSync(gone, { recursive: true });

    const ann = { KBREAK_DATA_DIR: join(desk.folder, "ann") };
    expect(await desk.withEnv(ann, "runs", "import", file)).toMatchObject({ code: 0, stdout: `${run}\n` });
    expect(await desk.withEnv(ann, "runs", "import", file)).toMatchObject({ code: 64 });
    expect((await desk.withEnv(ann, "undo", run)).code).toBe(5);
    const reach = ["-i", desk.lab.inventory];
    expect((await desk.withEnv(ann, "status", ...reach, "-o", "json")).stdout).toMatch(
      /"state": "in effect"/,
    );
    expect(await desk.withEnv(ann, "undo", run, ...reach)).toMatchObject({ code: 0 });
    await desk.expectUntouched();
  });
});

describe("runs export --format sh", () => {
  const byHand = (node: string, input: string) =>
    attempt([...labSsh(desk.lab.name, node), "sh -s"], { input });

  it("a script for each node puts it back without kbreak", async () => {
    const run = await applied(playbook());
    const folder = join(desk.folder, "scripts");
    const { code, stdout, stderr } = await desk.kbreak("runs", "export", run, "--format", "sh", folder);
    expect([code, stdout]).toEqual([0, `${join(folder, "cp1.sh")}\n${join(folder, "w1.sh")}\n`]);
    expect(stderr).toContain("keep it as secret as the undo log");
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
      const script = readFileSync(join(folder, name), "utf8");
      expect(script).not.toMatch(/kbreak/i);
      expect(await byHand(name.replace(".sh", ""), script)).toMatchObject({ code: 0, stderr: "" });
    }
    await desk.expectUntouched();
    expect((await desk.kbreak("status", run)).stdout).toContain("0 of 4 in effect");
    expect(await desk.kbreak("undo", run)).toMatchObject({ code: 0 });
    await desk.expectUntouched();
  });

  it("of one node is printed; of several a folder is wanted; of another there is none", async () => {
    const run = await applied(playbook());
    const exported = (...words: readonly string[]) =>
      desk.kbreak("runs", "export", run, "--format", "sh", ...words);
    expect(await exported()).toMatchObject({ code: 64, stdout: "" });
    expect(await exported("--node", "w9")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("has changed nothing on w9"),
    });
    const { stdout } = await exported("--node", "w1");
    expect((await byHand("w1", stdout)).stdout).toBe("restored: write /root/note\n");
    expect(await on(desk.lab.node("w1"), "ls /root/note 2>&1 || :")).toContain("No such file");
  });
});
