import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compare, loadSnapshot, saveSnapshot } from "../../src/fingerprint/snapshot.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import { differencesTable } from "../../src/render/differences.ts";

const look = (node: string, files: Readonly<Record<string, string>>): Fingerprint => ({
  version: 1,
  node,
  takenAt: "2026-01-01T00:00:00.000Z",
  sections: { files },
  skipped: [],
});

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "snapshot-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("a snapshot's file", () => {
  it("is its owner's only, in folders of its own, and comes back as it was", async () => {
    const file = join(folder, "new", "one.json");
    const looks = [look("cp1", JSON.parse('{"__proto__":"a","/é":"b"}'))];
    await saveSnapshot(file, looks);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "new"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, "new"))).toEqual(["one.json"]);
    expect((await loadSnapshot(file)).fingerprints).toEqual(looks);
  });

  it("holds nothing that only the next look needs", async () => {
    const [file, seen] = [join(folder, "one.json"), look("cp1", {})];
    await saveSnapshot(file, [{ ...seen, basis: { machine: "m", states: { "/a": "1" }, signs: {} } }]);
    expect((await loadSnapshot(file)).fingerprints).toEqual([seen]);
  });

  it("is refused when it is none, with what to do", async () => {
    const file = join(folder, "other.json");
    await expect(loadSnapshot(file)).rejects.toThrow(/other\.json cannot be read: ENOENT/);
    await writeFile(file, '{"version":2,"fingerprints":[]}');
    await expect(loadSnapshot(file)).rejects.toMatchObject({
      message: expect.stringMatching(/no snapshot that this version/),
      hint: expect.stringMatching(/diff save/),
    });
  });

  it("that cannot be written is an error with the file's name, and nothing is left", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(saveSnapshot(join(folder, "file", "x.json"), [])).rejects.toThrow(
      /x\.json cannot be written/,
    );
    expect(await readdir(folder)).toEqual(["file"]);
  });
});

describe("comparing snapshots", () => {
  const before = { version: 1, fingerprints: [look("cp1", { "/a": "1" }), look("w1", {})] } as const;
  const after = { version: 1, fingerprints: [look("w2", {}), look("cp1", { "/a": "2" })] } as const;

  it("is by node, and tells nodes that only one of them has", () => {
    expect(compare(before, after)).toEqual({
      nodes: [
        {
          node: "cp1",
          differences: [{ section: "files", key: "/a", kind: "changed", before: "1", after: "2" }],
        },
      ],
      onlyBefore: ["w1"],
      onlyAfter: ["w2"],
    });
  });
});

describe("the table", () => {
  const table = (before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>) =>
    differencesTable(
      compare(
        { version: 1, fingerprints: [look("cp1", before)] },
        { version: 1, fingerprints: [look("cp1", after)] },
      ).nodes,
    );

  it("is empty without differences", () => {
    expect(table({ "/a": "1" }, { "/a": "1" })).toBe("");
  });

  it("shows of a change only what changed", () => {
    expect(table({ "/a": "file 0644 0:0 5 bytes" }, { "/a": "file 0600 0:0 5 bytes" })).toMatch(
      /^cp1 +files +\/a +0644 → 0600$/m,
    );
    expect(table({ "/a": "running" }, { "/a": "running, frozen" })).toMatch(/running → running, frozen$/m);
    expect(table({ "/a": "x" }, { "/a": "x x" })).toMatch(/\(nothing\) → x$/m);
  });

  it("shows what was added and removed, with hashes cut short", () => {
    const hash = "0123456789abcdef".repeat(4);
    expect(table({}, { "/a": `sha256 ${hash}` })).toMatch(/\+ sha256 0123456789ab…$/m);
    expect(table({ "/a": "file" }, {})).toMatch(/- file$/m);
  });

  it("tells letters that only look Latin, and shows none that would turn the line around", () => {
    expect(table({}, { "/аdmin\u202e": "x" })).toMatch(/\/а<U\+0430>dmin<U\+202E> /);
  });
});
