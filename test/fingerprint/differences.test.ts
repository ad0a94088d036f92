import { describe, expect, it } from "vitest";
import { differences, equal } from "../../src/fingerprint/differences.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";

function look(sections: Fingerprint["sections"], skipped: Fingerprint["skipped"] = []): Fingerprint {
  return { version: 1, node: "cp1", takenAt: "2026-01-01T00:00:00.000Z", sections, skipped };
}

describe("differences", () => {
  it("are none between two looks at the same, whenever they were taken", () => {
    const one = look({ files: { "/a": "file" } });
    expect(equal(one, { ...one, takenAt: "2027-01-01T00:00:00.000Z" })).toBe(true);
  });

  it("tell what was added, removed and changed, sorted by key", () => {
    const before = look({ files: { "/c": "1", "/b": "1", "/same": "1" } });
    const after = look({ files: { "/same": "1", "/c": "2", "/a": "1" } });
    expect(differences(before, after)).toEqual([
      { section: "files", key: "/a", kind: "added", after: "1" },
      { section: "files", key: "/b", kind: "removed", before: "1" },
      { section: "files", key: "/c", kind: "changed", before: "1", after: "2" },
    ]);
  });

  it("see keys that every object has", () => {
    const [before, after] = [
      look({ files: {} }),
      look({ files: JSON.parse('{"__proto__":"1","toString":"1"}') }),
    ];
    expect(differences(before, after).map(({ key }) => key)).toEqual(["__proto__", "toString"]);
  });

  it("tell an empty value from none", () => {
    expect(differences(look({ environment: { A: "" } }), look({ environment: {} }))).toHaveLength(1);
  });

  it("name a section that one of the looks could not tell, and do not compare it", () => {
    const before = look({ traffic: { "eth0 qdisc root": "noqueue 0:" } });
    const after = look({}, [{ section: "traffic", reason: "there is no tc" }]);
    expect(differences(before, after)).toEqual([
      { section: "skipped", key: "traffic", kind: "added", after: "not looked at: there is no tc" },
    ]);
    expect(equal(after, after)).toBe(true);
  });
});
