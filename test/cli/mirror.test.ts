import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mirrored } from "../../src/engine/mirror.ts";
import type { RunRecord } from "../../src/engine/records.ts";
import { openLog } from "../../src/engine/undo-log.ts";
import { UndoLogError } from "../../src/errors.ts";
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

const fresh = (name: string) => {
  const folder = join(desk.folder, name);
  rmSync(folder, { recursive: true, force: true });
  return folder;
};
const apply = (...words: readonly string[]) =>
  desk.kbreak("apply", "--yes", "files/unicode-doppelganger", "-l", "cp1", "-o", "name", ...words);
const logOf = (data: string, run: string) => readFileSync(join(data, "runs", run, "log.jsonl"), "utf8");

describe("--mirror", () => {
  it("has all that undo needs when the laptop is gone, for its owner only", async () => {
    const mirror = fresh("mirror");
    const run = (await apply("--mirror", mirror)).stdout.trim();
    expect(logOf(mirror, run)).toBe(logOf(desk.data, run));
    const modes = ["runs", `runs/${run}`, `runs/${run}/blobs`, `runs/${run}/log.jsonl`].map(
      (path) => statSync(join(mirror, path)).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o700, 0o700, 0o600]);
    rmSync(join(desk.data, "runs", run), { recursive: true });
    expect(await desk.kbreak("undo", "--data-dir", mirror)).toMatchObject({ code: 0 });
  });

  it("that cannot be written keeps apply from changing anything, and undo from nothing", async () => {
    const file = desk.write("no-folder", "");
    const refused = await apply("--mirror", file);
    expect(refused.stderr).toContain(`the second copy in ${file}: `);
    expect(refused.code).toBe(1);
    expect(await desk.openRuns()).toEqual([]);
    expect((await apply("--mirror", desk.data)).code).toBe(64);
    expect((await apply()).code).toBe(0);
    const { code, stderr } = await desk.withEnv({ KBREAK_MIRROR: file }, "undo");
    expect(stderr).toMatch(/the second copy in .*; undo goes on without it/);
    expect(code).toBe(0);
  });

  it("of an undo is brought up to the log first, and tells of the undo", async () => {
    const mirror = fresh("late");
    const run = (await apply()).stdout.trim();
    expect(await desk.kbreak("undo", "--mirror", mirror)).toMatchObject({ code: 0 });
    expect(logOf(mirror, run)).toBe(logOf(desk.data, run));
    expect(await desk.kbreak("runs", "list", "-o", "json", "--data-dir", mirror)).toMatchObject({
      stdout: expect.stringContaining('"status": "undone"'),
    });
  });
});

describe("a log and its second copy", () => {
  const intent = { type: "intent", target: "cp1", step: 0, title: "x", operations: [], folders: {} };
  const begin = { ...intent, expires: { boot: "", uptime: 0 } } as RunRecord;
  const seen: RunRecord = { type: "observed", target: "cp1", step: 0, state: "fixed" };
  const made = (data: string) => openLog(join(data, "runs", "20260301-201500-aaaa"), { create: true });

  it("a change is not begun once the copy's disk is full, and what is not a change is written all the same", () => {
    const disk = fresh("disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k,mode=700", "kbreak-test", disk]);
    try {
      const told: string[] = [];
      const log = mirrored(made(fresh("full")), disk, (message) => told.push(message));
      log.append(begin);
      expect(() => {
        for (let n = 0; ; n += 1) appendFileSync(join(disk, "ballast"), Buffer.alloc(4096, n));
      }).toThrow("ENOSPC");
      const long = { ...begin, title: "x".repeat(8192) } as RunRecord;
      expect(() => log.append(long)).toThrow(UndoLogError);
      expect(() => log.append(begin)).toThrow(UndoLogError);
      expect(() => log.store(Buffer.alloc(1))).toThrow(UndoLogError);
      log.append(seen);
      expect(log.records.map(({ type }) => type)).toEqual(["intent", "intent", "observed"]);
      expect(told).toEqual([expect.stringMatching(`^the second copy in ${disk}: .*ENOSPC`)]);
      log.close();
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("a copy of something else is left as it is", () => {
    const [data, mirror] = [fresh("one"), fresh("other")];
    const other = made(mirror);
    other.append(seen);
    other.close();
    const log = made(data);
    log.append(begin);
    const before = logOf(mirror, "20260301-201500-aaaa");
    expect(() => mirrored(log, mirror, () => {})).toThrow(/its record 0 is another than that of/);
    expect(logOf(mirror, "20260301-201500-aaaa")).toBe(before);
    expect(readdirSync(join(mirror, "locks"))).toEqual([]);
    log.close();
  });
});
