import { describe, expect, it } from "vitest";
import { PreconditionError, UsageError } from "../../src/errors.ts";
import { nodesOf, parseNodeCount } from "../../src/lab/nodes.ts";
import { chooseProviders, parseProvider } from "../../src/lab/providers.ts";
import type { Lab } from "../../src/lab/types.ts";

describe("--provider", () => {
  it.each([
    ["namespace", { provider: "namespace" }],
    ["vm", { provider: "vm" }],
    ["vm=w1", { provider: "vm", nodes: ["w1"] }],
    ["vm=cp1,w10", { provider: "vm", nodes: ["cp1", "w10"] }],
  ])("%s is understood", (text, wish) => {
    expect(parseProvider(text)).toEqual(wish);
  });

  it.each(["", "kind", "VM", "vm=", "vm=w0", "vm=w1,", "vm=w1;w2", "vm w1", "vm=w1,../x"])(
    "%j is refused",
    (text) => {
      expect(() => parseProvider(text)).toThrow(UsageError);
    },
  );
});

describe("the kind of each node", () => {
  const choose = (count: string, had: Lab["providers"], provider?: string) =>
    chooseProviders(
      nodesOf(parseNodeCount(count)),
      had,
      provider === undefined ? undefined : parseProvider(provider),
    );

  it.each<[string, string, Lab["providers"], string | undefined, Lab["providers"]]>([
    ["a new lab is of namespaces", "1+1", {}, undefined, { cp1: "namespace", w1: "namespace" }],
    ["all can be machines", "1+1", {}, "vm", { cp1: "vm", w1: "vm" }],
    ["or only some", "1+1", {}, "vm=w1", { cp1: "namespace", w1: "vm" }],
    ["what is there stays", "1+1", { cp1: "namespace" }, "vm", { cp1: "namespace", w1: "vm" }],
    ["once more is the same", "1+1", { cp1: "namespace", w1: "vm" }, "vm", { cp1: "namespace", w1: "vm" }],
    ["new ones are as all others", "1+1", { cp1: "vm" }, undefined, { cp1: "vm", w1: "vm" }],
    [
      "where these differ, of namespaces",
      "1+2",
      { cp1: "vm", w1: "namespace" },
      undefined,
      { cp1: "vm", w1: "namespace", w2: "namespace" },
    ],
  ])("%s", (_name, count, had, provider, expected) => {
    expect(choose(count, had, provider)).toEqual(expected);
  });

  it("a node that is there does not become another", () => {
    const had = { cp1: "namespace", w1: "namespace" } as const;
    expect(() => choose("1+1", had, "vm")).toThrow(PreconditionError);
    expect(() => choose("1+1", had, "vm=w1")).toThrow(/w1 is a namespace node/);
  });

  it("a node that the lab does not get cannot be chosen", () => {
    expect(() => choose("1+1", {}, "vm=w2")).toThrow(UsageError);
    expect(() => choose("1+1", {}, "vm=w2")).toThrow(/no node w2; it has cp1, w1/);
  });
});
