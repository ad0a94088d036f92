import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunRecord } from "../../src/engine/records.ts";
import { openRun, runIds } from "../../src/engine/runs.ts";
import { lastRecord, openLog, parseLog } from "../../src/engine/undo-log.ts";
import { UndoLogError } from "../../src/errors.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import { changesSince, look } from "../support/bench.ts";
import { type TestLab, useLab } from "../support/lab.ts";
import { type Product, useProduct } from "../support/product.ts";

let base: string;
let folder: string;
let file: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "kbreak-log-"));
  folder = join(base, "runs", "one");
  file = join(folder, "log.jsonl");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const seen = (state: string): RunRecord => ({ type: "observed", target: "cp1", step: 0, state });
const failed = (message: string): RunRecord => ({
  type: "failed",
  target: "cp1",
  step: 1,
  code: "remote",
  message,
  untouched: [],
  answered: true,
  found: {},
  left: {},
});
const three = [seen("in effect"), failed('"sum":"0123456789abcdef"}\n\u00e9\u{1f4a5}\u2028'), seen("fixed")];

function write(records: readonly RunRecord[]): Buffer {
  const log = openLog(folder, { create: true });
  for (const record of records) log.append(record);
  log.close();
  return readFileSync(file);
}

function read(): readonly RunRecord[] {
  const log = openLog(folder, { readOnly: true });
  log.close();
  return log.records.map(({ n: _n, at: _at, ...record }) => {
    const { v: _v, sum: _sum, ...plain } = record as RunRecord & { v?: number; sum?: string };
    return plain as RunRecord;
  });
}

/** The message of the UndoLogError that `action` throws; anything else fails the test. */
function damage(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof UndoLogError) return error.message;
    throw error;
  }
  return "no error";
}

describe("what was appended is read again", () => {
  it("whatever text is in it", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 5 }), (messages) => {
        rmSync(folder, { recursive: true, force: true });
        const records = messages.map(failed);
        write(records);
        expect(read()).toEqual(JSON.parse(JSON.stringify(records)));
      }),
      { numRuns: 50 },
    );
  });

  it("is seen at once by the log that appended it", () => {
    const log = openLog(folder, { create: true });
    log.append(seen("fixed"));
    expect(log.records).toMatchObject([{ n: 0, type: "observed", state: "fixed" }]);
    log.close();
  });

  it("goes on where another process ended", () => {
    write(three.slice(0, 1));
    const log = openLog(folder);
    for (const record of three.slice(1)) log.append(record);
    log.close();
    expect(read()).toEqual(three);
  });

  it("a folder that has a log is never made anew", () => {
    write(three);
    expect(damage(() => openLog(folder, { create: true }))).toMatch(/cannot be made/);
    expect(read()).toEqual(three);
  });
});

describe("a last line that a crash has torn", () => {
  it("is left out at every byte, and the lines before it are kept", () => {
    const bytes = write(three);
    const start = bytes.lastIndexOf(0x0a, -2) + 1;
    for (let length = start; length < bytes.length; length += 1)
      expect(parseLog(bytes.subarray(0, length), file).records).toHaveLength(2);
  });

  it("is left out whatever number of lines is whole, down to none", () => {
    const bytes = write(three);
    for (let length = 0; length <= bytes.length; length += 1) {
      const whole = bytes.subarray(0, length).filter((byte) => byte === 0x0a).length;
      expect(parseLog(bytes.subarray(0, length), file).records).toHaveLength(whole);
    }
  });

  it.each([1, 40, 90])("of %i bytes is overwritten by the next append", (torn) => {
    const bytes = write(three);
    truncateSync(file, bytes.lastIndexOf(0x0a, -2) + 1 + torn);
    const log = openLog(folder);
    expect(log.records).toHaveLength(2);
    log.append(seen("x"));
    log.append(seen("drifted"));
    log.close();
    expect(read()).toEqual([...three.slice(0, 2), seen("x"), seen("drifted")]);
  });

  it("of zeros, as a power cut leaves them, is left out too", () => {
    write(three);
    appendFileSync(file, Buffer.alloc(4096));
    expect(read()).toEqual(three);
  });
});

describe("the last record alone", () => {
  const last = () => lastRecord(folder);

  it("is the one that the whole log has last, whatever stands before it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary", maxLength: 6000 }), { minLength: 1, maxLength: 3 }),
        (messages) => {
          rmSync(folder, { recursive: true, force: true });
          write([...messages.map(failed), seen("fixed")]);
          const log = openLog(folder, { readOnly: true });
          log.close();
          expect(last()).toEqual(expect.objectContaining({ type: "observed", n: messages.length }));
          expect(log.records.at(-1)).toMatchObject({ ...last() });
        },
      ),
      { numRuns: 50 },
    );
  });

  it("is not told where a byte of it, or its place, is another", () => {
    const bytes = write(three);
    const start = bytes.lastIndexOf(0x0a, -2) + 1;
    for (let at = start; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(file, changed);
      expect(last()).toBeUndefined();
    }
    const [one, , third] = bytes.toString().split("\n");
    writeFileSync(file, `${one}\n${third}\n`);
    expect(last()).toBeUndefined();
  });

  it("is not told where it takes the whole log: torn, behind no other, too long, or missing", () => {
    const bytes = write(three);
    for (const torn of [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.alloc(8)])]) {
      writeFileSync(file, torn);
      expect(last()).toBeUndefined();
    }
    for (const records of [[], [seen("fixed")], [seen("fixed"), failed("x".repeat(5000))]]) {
      rmSync(folder, { recursive: true });
      write(records);
      expect(last()).toBeUndefined();
    }
    rmSync(folder, { recursive: true });
    expect(last()).toBeUndefined();
  });
});

describe("any other damage is told with its line", () => {
  it("any flipped bit of any whole line", () => {
    const bytes = write(three);
    const ends = [...bytes.keys()].filter((at) => bytes[at] === 0x0a);
    for (let at = 0; at < bytes.length; at += 1) {
      const line = ends.findIndex((end) => at <= end) + 1;
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (bytes[at] ?? 0) ^ (1 << bit);
        const message = damage(() => parseLog(flipped, file));
        expect(`${at}.${bit}: ${message}`).toContain(`${file}:${line}: the undo log is damaged`);
      }
    }
  });

  it.each([0, 1])("line %i is missing", (missing) => {
    const lines = write(three).toString().split("\n");
    writeFileSync(file, lines.toSpliced(missing, 1).join("\n"));
    expect(damage(read)).toContain(`${file}:${missing + 1}: the undo log is damaged`);
  });

  it("two lines have changed places", () => {
    const [one, two, last] = write(three).toString().split("\n");
    writeFileSync(file, `${[one, last, two].join("\n")}\n`);
    expect(damage(read)).toContain(`${file}:2: the undo log is damaged`);
  });

  it("a line of another log", () => {
    write(three);
    folder = join(base, "runs", "other");
    file = join(folder, "log.jsonl");
    const own = write([seen("a"), seen("b")])
      .toString()
      .split("\n");
    const foreign = readFileSync(join(base, "runs", "one", "log.jsonl"), "utf8").split("\n");
    writeFileSync(file, `${own[0]}\n${foreign[1]}\n`);
    expect(damage(read)).toContain(`${file}:2: the undo log is damaged`);
  });

  it("a log of another version names the version and what to do", async () => {
    const { createHash } = await import("node:crypto");
    write([]);
    const text = JSON.stringify({ v: 2, n: 0, at: new Date().toISOString(), ...seen("fixed") });
    const sum = createHash("sha256").update(text).digest("hex").slice(0, 16);
    writeFileSync(file, `${text.slice(0, -1)},"sum":"${sum}"}\n`);
    expect(damage(read)).toBe(`${file}:1: the undo log has version 2, and this kbreak knows 1`);
  });

  it("no log at all", () => {
    mkdirSync(folder, { recursive: true });
    expect(damage(() => openLog(folder))).toBe(`there is no undo log in ${folder}`);
  });
});

describe("a pre-image", () => {
  const bytes = Buffer.from([0, 10, 13, 255, 0xc3, 0x28]);

  function stored() {
    const log = openLog(folder, { create: true });
    const sha256 = log.store(bytes);
    return { log, sha256, path: join(folder, "blobs", sha256) };
  }

  it("comes back byte by byte, and is kept once", () => {
    const { log, sha256 } = stored();
    expect(log.store(Buffer.from(bytes))).toBe(sha256);
    expect(log.content(sha256).equals(bytes)).toBe(true);
    log.close();
  });

  it("that is missing is told with its path", () => {
    const { log, sha256, path } = stored();
    rmSync(path);
    expect(damage(() => log.content(sha256))).toContain(`the pre-image ${path} is missing`);
    log.close();
  });

  it("that is damaged is told with its path, at every byte", () => {
    const { log, sha256, path } = stored();
    for (const at of bytes.keys()) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(path, flipped);
      expect(damage(() => log.content(sha256))).toBe(
        `the pre-image ${path} is damaged: its checksum does not fit`,
      );
    }
    log.close();
  });

  it("that a crash left half-written is written anew", () => {
    const log = openLog(folder, { create: true });
    const sha256 = log.store(bytes);
    const blob = join(folder, "blobs", sha256);
    rmSync(blob);
    writeFileSync(`${blob}.part`, bytes.subarray(0, 2));
    log.store(bytes);
    expect(log.content(sha256).equals(bytes)).toBe(true);
    log.close();
  });
});

describe("undo logs hold secrets", () => {
  it.each([0o000, 0o022, 0o077, 0o777])("so only their owner can look, with umask %o", (umask) => {
    const before = process.umask(umask);
    try {
      const log = openLog(folder, { create: true });
      const sha256 = log.store(Buffer.from("key"));
      log.append(seen("fixed"));
      log.close();
      const mode = (path: string) => statSync(path).mode & 0o777;
      expect([join(base, "runs"), folder, join(folder, "blobs")].map(mode)).toEqual([0o700, 0o700, 0o700]);
      expect([file, join(folder, "blobs", sha256)].map(mode)).toEqual([0o600, 0o600]);
    } finally {
      process.umask(before);
    }
  });
});

/** A disk of 512 KiB of this process's own, as a folder. */
function mountDisk(path: string): void {
  mkdirSync(path, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=512k,mode=700", "kbreak-test", path]);
}
const unmount = (path: string) => execFileSync("umount", [path]);
const remount = (path: string, how: "ro" | "rw") => execFileSync("mount", ["-o", `remount,${how}`, path]);

/** Fills a disk to its last byte. */
function fill(path: string): void {
  try {
    for (let n = 0; ; n += 1) appendFileSync(join(path, "ballast"), Buffer.alloc(4096, n));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
  }
}

/** Ends the log where a block of the disk ends: it grows only by a new one, which a full disk has not. */
function alignLog(data: string): void {
  const [run = ""] = runIds(data);
  const file = join(data, "runs", run, "log.jsonl");
  const log = openRun(data, run);
  const block = 4_096;
  const size = () => statSync(file).size;
  const before = size();
  log.append(seen("x"));
  const overhead = size() - before - 1;
  const rest = block - (size() % block) - overhead;
  log.append(seen("x".repeat(rest > 0 ? rest : rest + block)));
  log.close();
  expect(size() % block).toBe(0);
}

describe("a disk that takes no more", () => {
  let disk: string;
  beforeEach(() => {
    disk = join(base, "disk");
    mountDisk(disk);
    folder = join(disk, "runs", "one");
    file = join(folder, "log.jsonl");
  });
  afterEach(() => unmount(disk));

  it("an append that is not on a full disk throws, and leaves the log sound", () => {
    const log = openLog(folder, { create: true });
    log.append(seen("in effect"));
    fill(disk);
    expect(damage(() => log.append(failed("x".repeat(10_000))))).toMatch(
      /^the undo log cannot be written: ENOSPC/,
    );
    expect(damage(() => log.store(Buffer.alloc(10_000)))).toMatch(
      /^the undo log cannot keep a pre-image: ENOSPC/,
    );
    rmSync(join(disk, "ballast"));
    log.append(seen("fixed"));
    log.close();
    expect(read()).toEqual([seen("in effect"), seen("fixed")]);
  });

  it("a log that cannot be made says so", () => {
    mkdirSync(join(disk, "runs"));
    remount(disk, "ro");
    expect(damage(() => openLog(folder, { create: true }))).toMatch(/^the undo log cannot be made: EROFS/);
    remount(disk, "rw");
  });

  it("a log on a read-only disk can be read, and says why it cannot be written", () => {
    write(three);
    remount(disk, "ro");
    expect(read()).toEqual(three);
    expect(damage(() => openLog(folder))).toMatch(/^the undo log cannot be opened: EROFS/);
    remount(disk, "rw");
  });
});

describe("kbreak on a full disk", () => {
  let product: Product;
  let lab: TestLab;
  let before: Fingerprint;
  let disk: string;
  const target = () => lab.node("cp1");
  const apply = (data: string) =>
    product.kbreak(data, "apply", "files/immutable", "-i", lab.inventory, "-l", target().name, "--yes");

  beforeAll(async () => {
    [product, lab] = await Promise.all([useProduct(), useLab()]);
    before = await look(target());
  });
  afterAll(() => product?.remove());
  beforeEach(() => {
    disk = join(base, "disk");
    mountDisk(disk);
  });
  afterEach(() => unmount(disk));

  it("changes nothing on the node without its undo record", async () => {
    fill(disk);
    const { code, stderr } = await apply(disk);
    expect(stderr).toMatch(/ENOSPC|no space left/i);
    expect(stderr).toContain("hint: ");
    expect(code).toBe(1);
    expect(await changesSince(target(), before)).toEqual([]);
  });

  it("that gets full in the middle: takes back what it did", async () => {
    const steps = Array.from({ length: 8 }, (_, n) => [
      `  - name: step ${n}`,
      `    operations: [{ kind: file, path: /root/full-disk-${n}, content: ${"x".repeat(3_000)} }]`,
    ]);
    const file = join(base, "playbook.yaml");
    writeFileSync(file, ["name: many", "description: Many steps.", "steps:", ...steps.flat()].join("\n"));
    const { child, ended } = product.start(
      ...[disk, "apply", file, "-i", lab.inventory, "-l", target().name, "--yes"],
    );
    const log = () => runIds(disk).map((id) => readFileSync(join(disk, "runs", id, "log.jsonl"), "utf8"));
    while (child.exitCode === null && !log().some((text) => text.includes('"type":"applied"')))
      await sleep(2);
    fill(disk);
    const { code, stderr } = await ended;
    expect(stderr).toContain("ENOSPC");
    expect(code).toBe(1);
    expect(await changesSince(target(), before)).toEqual([]);
    rmSync(join(disk, "ballast"));
    expect(await product.kbreak(disk, "undo")).toMatchObject({ code: 0 });
    expect(await changesSince(target(), before)).toEqual([]);
  });

  it("undoes all the same, and says that it could not write that down", async () => {
    expect(await apply(disk)).toMatchObject({ code: 0 });
    alignLog(disk);
    fill(disk);
    const first = await product.kbreak(disk, "undo");
    expect(first.stderr).toContain("undo goes on without it");
    expect(first.code).toBe(5);
    expect(await changesSince(target(), before)).toEqual([]);
    rmSync(join(disk, "ballast"));
    expect(await product.kbreak(disk, "undo")).toMatchObject({ code: 0 });
    expect(await changesSince(target(), before)).toEqual([]);
  });
});
