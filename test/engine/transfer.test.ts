import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockRun } from "../../src/engine/locks.ts";
import { runsFolder } from "../../src/engine/runs.ts";
import { exportRun, importRun } from "../../src/engine/transfer.ts";
import { openLog } from "../../src/engine/undo-log.ts";
import { LockError, UndoLogError, UsageError } from "../../src/errors.ts";

const id = "20260301-201500-aaaa";
let mine: string;
let theirs: string;

beforeEach(() => {
  mine = mkdtempSync(join(tmpdir(), "kbreak-mine-"));
  theirs = mkdtempSync(join(tmpdir(), "kbreak-theirs-"));
});
afterEach(() => {
  for (const folder of [mine, theirs]) rmSync(folder, { recursive: true, force: true });
});

const fileOf = (data: string, run = id) => join(runsFolder(data), run, "log.jsonl");

/** A run with a record and two pre-images, one of them of bytes that are no text. */
function write(run = id): void {
  const log = openLog(join(runsFolder(mine), id), { create: true });
  for (const bytes of [Buffer.from("a key"), Buffer.from([0, 255, 10])]) log.store(bytes);
  log.append({
    type: "run",
    run,
    name: "é",
    inventory: "/nowhere.yaml",
    lab: "lab",
    owner: { user: "ann", host: "here", pid: 1 },
    targets: [],
    goals: [],
  });
  log.append({ type: "observed", target: "cp1", step: 0, state: "fixed" });
  log.close();
}

/** Everything below a data folder, by path: bytes and mode. */
function contents(data: string): Readonly<Record<string, string>> {
  const paths = readdirSync(data, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    paths.map((path) => {
      const stat = statSync(join(data, path));
      const bytes = stat.isFile() ? readFileSync(join(data, path)).toString("base64") : "";
      return [path, `${(stat.mode & 0o777).toString(8)} ${bytes}`];
    }),
  );
}

const imported = (text: string) => importRun(theirs, text, "run.json");

describe("a run that is moved", () => {
  it.each([0o000, 0o022, 0o777])("arrives byte by byte, for its owner only, with umask %o", (umask) => {
    write();
    const text = exportRun(mine, id);
    const before = process.umask(umask);
    try {
      expect(imported(text)).toBe(id);
    } finally {
      process.umask(before);
    }
    rmSync(join(mine, "locks"), { recursive: true });
    expect(contents(theirs)).toEqual(contents(mine));
  });

  it("does not bring along what a crash has torn", () => {
    write();
    const whole = readFileSync(fileOf(mine));
    writeFileSync(fileOf(mine), '{"v":1,"n":2', { flag: "a" });
    imported(exportRun(mine, id));
    expect(readFileSync(fileOf(theirs)).equals(whole)).toBe(true);
  });

  it("is refused while somebody is at work on it", () => {
    write();
    const release = lockRun(mine, id);
    expect(() => exportRun(mine, id)).toThrow(LockError);
    release();
    expect(exportRun(mine, id)).toContain(id);
  });

  it("is refused where there is one of that id, and that one stays", () => {
    write();
    const text = exportRun(mine, id);
    imported(text);
    const before = contents(theirs);
    expect(() => imported(text)).toThrow(UsageError);
    expect(contents(theirs)).toEqual(before);
  });

  it("is refused when its log or a pre-image is damaged", () => {
    write();
    const [blob = ""] = readdirSync(join(runsFolder(mine), id, "blobs"));
    const path = join(runsFolder(mine), id, "blobs", blob);
    const was = readFileSync(path);
    writeFileSync(path, "other");
    expect(() => exportRun(mine, id)).toThrow(path);
    writeFileSync(path, was);
    writeFileSync(fileOf(mine), "{}\n", { flag: "a" });
    expect(() => exportRun(mine, id)).toThrow(`${fileOf(mine)}:3: the undo log is damaged`);
  });
});

describe("a file that is not what was exported is refused, and nothing of it comes in", () => {
  const refuse = (text: string, what: string) => {
    let error: unknown;
    try {
      imported(text);
    } catch (caught) {
      error = caught;
    }
    expect(error, what).toBeInstanceOf(UndoLogError);
    expect(String(error), what).toContain("run.json");
    expect(existsSync(runsFolder(theirs)) ? readdirSync(runsFolder(theirs)) : [], what).toEqual([]);
  };

  it("any byte of it flipped", () => {
    write();
    const bytes = Buffer.from(exportRun(mine, id));
    for (let at = 0; at < bytes.length - 1; at += 1) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (bytes[at] ?? 0) ^ 1;
      refuse(flipped.toString("utf8"), `byte ${at}`);
    }
  });

  it("cut off anywhere", () => {
    write();
    const text = exportRun(mine, id);
    for (let length = 0; length < text.length - 1; length += 7)
      refuse(text.slice(0, length), `${length} characters`);
  });

  it.each(["../../../tmp/x", "..", "20260301-201500-aaaa/.."])("a run that is called %s", (run) => {
    write(run);
    refuse(exportRun(mine, id), run);
  });

  it.each(["null", "[]", "7", '{"format":"kbreak run","version":2}'])("%s", (text) => refuse(text, text));
});
