import { describe, expect, it } from "vitest";
import { censusOf } from "../../src/fingerprint/sections/files.ts";
import { basisOf, keptOf, type Lasting, lasting } from "../../src/fingerprint/since.ts";
import type { Basis, Fingerprint } from "../../src/fingerprint/types.ts";

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
  readonly compared: boolean;
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
  compared: true,
};

/** What the files' script writes of one file, its path given as latin1. */
function census(seen: Seen) {
  const { system, changed, device, inode, size, written } = seen;
  const stat = `f 644 0:0 ${seen.compared ? `${written} ${size}` : "- -"}`;
  const state = `${system} ${changed} ${device} ${inode}${seen.compared ? "" : ` ${size} ${written}`}`;
  const text = `${seen.clock}\0${seen.boot}\0${seen.machine}\0\0${stat}\0${seen.path}\0\0${state}\0`;
  return censusOf(Buffer.from(text, "latin1"));
}

function lookOf(
  seen: Seen,
  sections: Fingerprint["sections"] = { contents: { "/a": "sha256 1" } },
): Fingerprint {
  const basis = basisOf(census(seen));
  return { version: 1, node: "n", takenAt: "", sections, skipped: [], ...(basis ? { basis } : {}) };
}

const [contents, attributes, units, etcd] = lasting;

function kept(which: Lasting | undefined, seen: Seen, before: Fingerprint) {
  const found = which && keptOf(which, census(seen), before);
  return found && { entries: found.entries, stale: found.stale.map(({ path }) => path.toString("latin1")) };
}

const staleOf = (seen: Seen, before: Fingerprint) => kept(contents, seen, before)?.stale;

describe("since an earlier look", () => {
  const later = { ...old, clock: now + 9 };

  it("the hash of a file that nobody wrote to is kept", () => {
    expect(kept(contents, later, lookOf(old))).toEqual({ entries: { "/a": "sha256 1" }, stale: [] });
  });

  it.each([
    ["that it had", { "/a": "flags i" }, { "/a": "flags i" }],
    ["that it had not", {}, {}],
  ])("the attributes %s are kept", (_what, attributesBefore, entries) => {
    const before = lookOf(old, { attributes: attributesBefore });
    expect(kept(attributes, later, before)).toEqual({ entries, stale: [] });
  });

  it.each([
    ["time of change, by a nanosecond", { changed: `${now - 61}.0000000020` }],
    ["time of change, to an earlier one", { changed: `${now - 62}.0000000010` }],
    ["modification time, by a nanosecond", { written: "1600000000.0000000030" }],
    ["size", { size: "6" }],
    ["inode", { inode: "13" }],
    ["device", { device: "65025" }],
    ["path", { path: "/b" }],
  ])("a file of another %s is looked at again", (_what, other) => {
    const seen = { ...old, ...other };
    const before = lookOf(old, { contents: { "/a": "sha256 1" }, attributes: { "/a": "flags i" } });
    for (const which of [contents, attributes])
      expect(kept(which, seen, before)).toEqual({ entries: {}, stale: [seen.path] });
  });

  it.each([
    ["that was written within a minute before that look", { changed: `${now - 60}.0000000000` }],
    [
      "whose time of change is in the future, as the clock was set back",
      { changed: `${now + 9}.0000000000` },
    ],
    ["on a file system that does not date every write", { system: "tmpfs" }],
  ])("a file %s is looked at again", (_what, other) => {
    const seen = { ...old, ...other };
    expect(staleOf(seen, lookOf(seen))).toEqual(["/a"]);
  });

  it("a file that the earlier look could not hash is hashed", () => {
    expect(staleOf(old, lookOf(old, { contents: {} }))).toEqual(["/a"]);
  });

  it("a section that the earlier look skipped is looked at as a whole", () => {
    expect(kept(attributes, old, lookOf(old))).toBeUndefined();
  });

  it("only files whose contents are compared are hashed", () => {
    expect(staleOf({ ...old, compared: false }, lookOf({ ...old, compared: false }))).toEqual([]);
  });

  describe("the states of unit files", () => {
    const unit = { ...old, path: "/run/systemd/system/a.service", system: "tmpfs" };
    const before = lookOf(unit, { "unit files": { "a.service": "static" } });

    it("are kept when no file of a unit changed", () => {
      expect(kept(units, unit, before)).toEqual({ entries: { "a.service": "static" }, stale: [] });
    });

    it.each([
      ["was written to", { changed: `${now - 61}.0000000020` }],
      ["is gone, and another has come", { path: "/opt/b.service" }],
      ["is gone", { path: "/etc/systemd/journald.conf" }],
    ])("are asked for when one %s", (_what, other) => {
      expect(kept(units, { ...unit, ...other }, before)).toBeUndefined();
    });

    it.each([
      ["is still there", {}],
      ["is gone", { path: "/etc/systemd/journald.conf" }],
    ])("are asked for when one that was written within a minute before that look %s", (_what, other) => {
      const young = { ...unit, changed: `${now - 60}.0000000000` };
      expect(kept(units, { ...young, ...other }, lookOf(young, { "unit files": {} }))).toBeUndefined();
    });
  });

  describe("what is in etcd", () => {
    const log = { raftIndex: "12", raft_term: "2" };
    const known = { "key /a": "1" };
    const before = {
      ...lookOf(old, { etcd: known }),
      basis: basisOf(census(old), { "etcd's log": log }) as Basis,
    };
    const since = (signs: Basis["signs"]) => etcd && keptOf(etcd, census(later), before, signs);

    it("is kept while its log has not grown", () => {
      expect(since({ "etcd's log": { ...log } })).toEqual({ entries: known, stale: [] });
    });

    it.each([
      ["has grown", { "etcd's log": { ...log, raftIndex: "13" } }],
      ["has another term", { "etcd's log": { ...log, raft_term: "3" } }],
      ["cannot be told", {}],
      ["does not say how long it is", { "etcd's log": {} }],
    ])("is asked for when its log %s", (_what, signs: Basis["signs"]) => {
      expect(since(signs)).toBeUndefined();
    });
  });

  it.each([
    ["another boot", old, { boot: "c" }],
    ["another machine of the same saved state", old, { machine: "n" }],
    ["a boot without an id", { ...old, boot: "" }, { boot: "" }],
  ])("nothing is kept at %s", (_what, before, other) => {
    expect(kept(contents, { ...before, ...other }, lookOf(before))).toBeUndefined();
  });

  it("a name that is no UTF-8 keeps its hash", () => {
    const seen = { ...old, path: "/\xff" };
    const before = lookOf(seen, { contents: { "/\\xff": "sha256 2" } });
    expect(kept(contents, seen, before)?.entries).toEqual({ "/\\xff": "sha256 2" });
  });
});
