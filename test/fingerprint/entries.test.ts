import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entriesOf, readable, recordsOf } from "../../src/fingerprint/entries.ts";

describe("readable", () => {
  it.each([
    ["/etc/hosts", "/etc/hosts"],
    ["a\nb", "a\\x0ab"],
    ["a\\nb", "a\\\\nb"],
    ["grüße аdmin", "grüße аdmin"],
    ["\u001b[2J", "\\x1b[2J"],
    ["\u0085", "\\u0085"],
  ])("shows %j as %s", (name, shown) => {
    expect(readable(Buffer.from(name))).toBe(shown);
  });

  it("shows bytes that are no UTF-8 as bytes", () => {
    expect(readable(Buffer.of(0x61, 0xff, 0x62, 0xc3))).toBe("a\\xffb\\xc3");
  });

  it("never shows two names as one", () => {
    const bytes = fc.constantFrom(0x0a, 0x5c, 0x61, 0x78, 0x85, 0xc2, 0xc3, 0xa9, 0xef, 0xbb, 0xbf, 0xff);
    const name = fc.array(bytes, { maxLength: 4 }).map((list) => Buffer.from(list));
    const nasty = fc
      .array(fc.constantFrom("\\", "x", "0", "a", "\n", "\\x0a", "\u0085", "\ufeff", "é"), { maxLength: 6 })
      .map((parts) => Buffer.from(parts.join("")));
    const any = fc.oneof(name, nasty);
    fc.assert(
      fc.property(any, any, (one, other) => (readable(one) === readable(other)) === one.equals(other)),
      { numRuns: 20_000 },
    );
  });
});

describe("entriesOf", () => {
  it("takes every name as a key, also those that objects have of their own", () => {
    const names = ["__proto__", "constructor", "toString"];
    expect(Object.keys(entriesOf(names.map((name) => [name, "1"] as const)))).toEqual(names.sort());
  });

  it("joins values of one key in their order", () => {
    expect(
      entriesOf([
        ["/mnt", "first"],
        ["/mnt", "on top"],
      ])["/mnt"],
    ).toBe("first | on top");
  });
});

describe("recordsOf", () => {
  it("refuses output that was cut", () => {
    expect(() => recordsOf(Buffer.from("a\0b\0c"), 3)).toThrow(/middle of a field/);
    expect(() => recordsOf(Buffer.from("a\0b\0"), 3)).toThrow(/middle of a record/);
  });
});
