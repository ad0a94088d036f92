import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { nodesOf, parseNodeCount } from "../../src/lab/nodes.ts";
import { checkName } from "../../src/lab/state.ts";

describe("--nodes", () => {
  test.each([
    ["1", "cp1"],
    ["3", "cp1 w1 w2"],
    ["2+0", "cp1 cp2"],
    ["2+3", "cp1 cp2 w1 w2 w3"],
  ])("%s", (text, names) => {
    const nodes = nodesOf(parseNodeCount(text));
    expect(nodes.map(({ name }) => name).join(" ")).toBe(names);
  });

  test.each(["0", "0+2", "-1", "", "x", "1+", "+1", "1.5", "1+1+1", "10+0", "102", "1 "])(
    "%j is refused",
    (text) => {
      expect(() => parseNodeCount(text)).toThrow(UsageError);
    },
  );

  test("every node of the largest lab has an address of its own in the lab's network", () => {
    const addresses = nodesOf(parseNodeCount("9+100")).map(({ address }) => address);
    expect(new Set(addresses).size).toBe(109);
    for (const address of addresses) expect(Number(address.split(".")[3])).toBeLessThan(255);
  });

  test("a lab that grows changes no node that it had", () => {
    const before = nodesOf(parseNodeCount("1+2"));
    expect(nodesOf(parseNodeCount("2+5"))).toEqual(expect.arrayContaining([...before]));
  });
});

test.each(["", "-x", "Lab", "a/b", "..", "a b", "x".repeat(31), "1a"])(
  "a lab cannot be called %j",
  (name) => {
    expect(() => checkName(name)).toThrow(UsageError);
  },
);
