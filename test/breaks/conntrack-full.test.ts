import { describe, expect, it } from "vitest";
import { loadCatalogue } from "../../src/catalogue/catalogue.ts";
import type { Facts } from "../../src/facts.ts";

const found = (await loadCatalogue()).breaks.get("kernel/conntrack-full");
if (found === undefined) throw new Error("there is no kernel/conntrack-full");

const facts = (spare: readonly number[], files: Facts["files"] = {}): Facts => ({
  machineId: "",
  authorities: [],
  bootId: "",
  hostname: "",
  distribution: { id: "", version: "", name: "" },
  kernel: "",
  ownKernel: true,
  roles: ["worker"],
  programs: {},
  activeUnits: [],
  spare,
  files,
  apiAnswers: true,
  objects: {},
});

describe("what a full table of connections spares", () => {
  const rules = (given: Facts) =>
    found.operations({ max: 1 }, given).filter(({ kind }) => kind === "firewall-rule");

  it("are the ports of the control channel and of `keep`, both ways", () => {
    expect(rules(facts([22, 3022]))).toMatchObject([
      {
        family: "ip",
        table: "raw",
        chain: "PREROUTING",
        rule: expect.arrayContaining(["22,3022", "--notrack"]),
      },
      { family: "ip", table: "raw", chain: "OUTPUT", rule: expect.arrayContaining(["22,3022", "--notrack"]) },
      { chain: "OUTPUT", position: "append" },
    ]);
  });

  it("is spared in IPv6, too, where the node has it", () => {
    const files = Object.fromEntries((found.reads?.({ max: 1 }) ?? []).map((path) => [path, "::1"]));
    expect(rules(facts([22], files)).map((rule) => "family" in rule && rule.family)).toContain("ip6");
  });

  it.each([
    [[22, 30080], /port 30080 .*NodePorts/],
    [Array.from({ length: 16 }, (_, index) => 100 + index), /15 ports/],
  ])("cannot be %j", (spare, why) => {
    expect(found.refusal?.({ max: 1 }, facts(spare))).toMatch(why);
  });
});
