import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Logged } from "../../src/engine/undo-log.ts";
import { on } from "../support/bench.ts";
import { type Desk, useDesk } from "./support.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await useDesk();
});
afterEach(async () => {
  await desk.kbreak("undo", "--all", "--exact");
  await desk.expectUntouched();
});
afterAll(() => desk?.end());

const cp1 = (script: string) => on(desk.lab.node("cp1"), script);
const scheduler = "/etc/kubernetes/scheduler.conf";

/** A run of three steps on one node: two edits, of which the log holds what was there before, and a new file. */
async function applied(): Promise<{ readonly run: string; readonly folder: string; readonly file: string }> {
  const playbook = desk.write(
    "three.yaml",
    `name: three
steps:
  - { break: files/unicode-doppelganger, targets: cp1 }
  - { break: files/immutable, targets: cp1 }
  - name: a note
    targets: cp1
    operations:
      - { kind: file, path: /root/note, content: "third\\n" }
`,
  );
  const { code, stdout, stderr } = await desk.kbreak("apply", "--yes", playbook, "-o", "name");
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  const run = stdout.trim();
  const folder = join(desk.data, "runs", run);
  return { run, folder, file: join(folder, "log.jsonl") };
}

describe("a log that is damaged in the middle", () => {
  it("names run and line; undo of that run puts back what the lines before it tell, and says that it is not all", async () => {
    const { run, file } = await applied();
    const sound = readFileSync(file, "utf8");
    const lines = sound.split("\n");
    const isThird = (line: string) => line.includes('"type":"intent"') && line.includes("/root/note");
    const line = lines.findIndex(isThird) + 1;
    writeFileSync(
      file,
      lines.map((text) => (isThird(text) ? text.replace("/root/note", "/root/nose") : text)).join("\n"),
    );
    const where = `${file}:${line}: the undo log is damaged`;
    // Without the run's name nobody can know that it is the right one.
    for (const words of [["undo"], ["undo", "--all"], ["status"], ["runs", "show", run], []])
      expect(await desk.kbreak(...words)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(where),
      });
    const status = await desk.kbreak("status", run);
    expect([status.code, status.stderr.includes(where)]).toEqual([1, true]);
    expect(status.stdout).toMatch(/files\/immutable/);
    const undone = await desk.kbreak("undo", run);
    expect(undone.code).toBe(5);
    expect(undone.stderr).toContain(where);
    expect(
      await cp1(`lsattr -d /etc/kubernetes/manifests/kube-apiserver.yaml; cat ${scheduler}`),
    ).not.toMatch(/^\S*i\S* |[^\0-\x7f]/);
    expect(await cp1("cat /root/note")).toBe("third\n");
    // With the log as it was, the rest is undone.
    writeFileSync(file, sound);
    expect(await desk.kbreak("undo", run)).toMatchObject({ code: 0 });
  });

  it("of another version is not guessed at", async () => {
    const { run, file } = await applied();
    const sound = readFileSync(file);
    const { createHash } = await import("node:crypto");
    const text = JSON.stringify({ v: 2, n: 0, type: "run" });
    const sum = createHash("sha256").update(text).digest("hex").slice(0, 16);
    writeFileSync(file, `${text.slice(0, -1)},"sum":"${sum}"}\n`);
    const { code, stderr } = await desk.kbreak("undo", run);
    expect(stderr).toContain(`${file}:1: the undo log has version 2, and this kbreak knows 1`);
    expect(code).toBe(1);
    writeFileSync(file, sound);
    expect(await desk.kbreak("undo", run)).toMatchObject({ code: 0 });
  });
});

it("a pre-image that is missing is named, and everything else is put back", async () => {
  const { run, folder, file } = await applied();
  const records = readFileSync(file, "utf8").trim().split("\n");
  const intents = records.map((line) => JSON.parse(line) as Logged).filter(({ type }) => type === "intent");
  const sha256 = /"sha256":"([0-9a-f]{64})"/.exec(JSON.stringify(intents[0]))?.[1] ?? "";
  const blob = join(folder, "blobs", sha256);
  renameSync(blob, join(desk.folder, "lost"));
  for (const words of [["undo"], ["undo", "--exact"]]) {
    const { code, stderr } = await desk.kbreak(...words);
    expect(stderr).toContain(`edit ${scheduler}: the pre-image ${blob} is missing`);
    expect(code).toBe(5);
  }
  expect(
    await cp1("lsattr -d /etc/kubernetes/manifests/kube-apiserver.yaml; ls /root/note 2>&1 || :"),
  ).toMatch(/^-*e?-* .*\n.*No such file/);
  cpSync(join(desk.folder, "lost"), blob);
  expect(await desk.kbreak("undo", run)).toMatchObject({ code: 0 });
});

it("in a folder that is read-only: undo goes on, and says that it could not write that down", async () => {
  const data = join(desk.folder, "read-only");
  mkdirSync(data);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m,mode=700", "kbreak-test", data]);
  try {
    const env = { KBREAK_DATA_DIR: data };
    expect(await desk.withEnv(env, "apply", "--yes", "files/immutable", "-l", "cp1")).toMatchObject({
      code: 0,
    });
    execFileSync("mount", ["-o", "remount,ro", data]);
    const { code, stderr } = await desk.withEnv(env, "undo");
    expect(stderr).toMatch(/EROFS.*; undo goes on without it/);
    expect(stderr.match(/the undo log cannot be written/g)).toHaveLength(1);
    expect(code).toBe(5);
    await desk.expectUntouched();
    execFileSync("mount", ["-o", "remount,rw", data]);
    expect(await desk.withEnv(env, "undo")).toMatchObject({ code: 0 });
  } finally {
    execFileSync("umount", [data]);
  }
});
