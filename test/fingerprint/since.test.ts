import { describe, expect, it } from "vitest";
import { censusOf } from "../../src/fingerprint/sections/files.ts";
import { basisOf, keptOf } from "../../src/fingerprint/since.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";

const now = 1_700_000_000;

interface Seen {
  readonly clock: number;
  readonly boot: string;
  readonly machine: string;
  readonly path: string;
  readonly system: string;
  readonly changed: string;
  readonly device: string;
  readonly inode: string;
  readonly size: string;
  readonly written: string;
}

const old: Seen = {
  clock: now,
  boot: "b",
  machine: "m",
  path: "/a",
  system: "ext4",
  changed: `${now - 61}.0000000010`,
  device: "65024",
  inode: "12",
  size: "5",
  written: "1600000000.0000000020",
};

/** What the files' script writes of one file, its path given as latin1. */
function census(seen: Seen) {
  const { system, changed, device, inode, size, written } = seen;
  const state = `${system} ${changed} ${device} ${inode} ${size} ${written}`;
  const text = `${seen.clock}\0${seen.boot}\0${seen.machine}\0\0f 644 0:0 1 5\0${seen.path}\0\0${state}\0`;
  return censusOf(Buffer.from(text, "latin1"));
}

function lookOf(seen: Seen, contents: Fingerprint["sections"][string] = { "/a": "sha256 1" }): Fingerprint {
  const basis = basisOf(census(seen));
  const sections = { contents };
  return { version: 1, node: "n", takenAt: "", sections, skipped: [], ...(basis ? { basis } : {}) };
}

const staleOf = (seen: Seen, before: Fingerprint) =>
  keptOf(census(seen), before)?.stale.map(({ path }) => path.toString("latin1"));

describe("since an earlier look", () => {
  it("the hash of a file that nobody wrote to is kept", () => {
    expect(keptOf(census({ ...old, clock: now + 9 }), lookOf(old))).toEqual({
      hashes: { "/a": "sha256 1" },
      stale: [],
    });
  });

  it.each([
    ["time of change, by a nanosecond", { changed: `${now - 61}.0000000020` }],
    ["time of change, to an earlier one", { changed: `${now - 62}.0000000010` }],
    ["modification time, by a nanosecond", { written: "1600000000.0000000030" }],
    ["size", { size: "6" }],
    ["inode", { inode: "13" }],
    ["device", { device: "65025" }],
    ["path", { path: "/b" }],
  ])("a file of another %s is hashed again", (_what, other) => {
    const seen = { ...old, ...other };
    expect(staleOf(seen, lookOf(old))).toEqual([seen.path]);
  });

  it.each([
    ["that was written within a minute before that look", { changed: `${now - 60}.0000000000` }],
    [
      "whose time of change is in the future, as the clock was set back",
      { changed: `${now + 9}.0000000000` },
    ],
    ["on a file system that does not date every write", { system: "tmpfs" }],
  ])("a file %s is hashed again", (_what, other) => {
    const seen = { ...old, ...other };
    expect(staleOf(seen, lookOf(seen))).toEqual(["/a"]);
  });

  it("a file that the earlier look could not hash is hashed", () => {
    expect(staleOf(old, lookOf(old, {}))).toEqual(["/a"]);
  });

  it.each([
    ["another boot", old, { boot: "c" }],
    ["another machine of the same saved state", old, { machine: "n" }],
    ["a boot without an id", { ...old, boot: "" }, { boot: "" }],
  ])("nothing is kept at %s", (_what, before, other) => {
    expect(keptOf(census({ ...before, ...other }), lookOf(before))).toBeUndefined();
  });

  it("a name that is no UTF-8 keeps its hash", () => {
    const seen = { ...old, path: "/\xff" };
    expect(keptOf(census(seen), lookOf(seen, { "/\\xff": "sha256 2" }))?.hashes).toEqual({
      "/\\xff": "sha256 2",
    });
  });
});
