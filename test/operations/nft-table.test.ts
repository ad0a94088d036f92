import { describe, expect, it } from "vitest";
import { nftTable } from "../../src/operations/constructors.ts";
import { kindOf } from "../../src/operations/index.ts";
import type { NftChain } from "../../src/operations/nft-table.ts";
import { validator } from "../../src/schema.ts";
import {
  apply,
  benchOn,
  everyDeath,
  expectInEffect,
  expectRestored,
  look,
  prepare,
  refusal,
  restore,
  roundTrip,
} from "../support/operations.ts";

const bench = benchOn("w1");

const evidence = "nft -s list ruleset";

const chain = (...rules: readonly string[]): NftChain => ({
  name: "early",
  type: "filter",
  hook: "prerouting",
  priority: -350,
  rules,
});

const drops = nftTable("play", [chain("tcp dport 7001 drop", "udp dport 7001 drop")]);

describe("a table of nftables", () => {
  it("has its effect where iptables shows nothing, and goes wholly", async () => {
    await roundTrip(bench, {
      operations: [drops],
      evidence,
      meanwhile: async () => {
        expect(await bench.run("iptables-nft-save | grep -c 7001 || :")).toBe("0\n");
        const answer = "nc -n -v -z -w 1 127.0.0.1";
        expect(await bench.run(`${answer} 7001 2>&1 || :; ${answer} 7002 2>&1 || :`)).toMatch(
          /^(?!.*refused).*\n.*7002.*refused/,
        );
      },
    });
  });

  it("leaves another's of another family with the same name alone", async () => {
    await bench.run("nft 'table ip play { chain own { type filter hook input priority 0; accept; }; }'");
    try {
      await roundTrip(bench, { operations: [drops], evidence });
    } finally {
      await bench.run("nft delete table ip play");
    }
  });

  it("is put back from wherever it was killed", async () => {
    expect(await everyDeath(bench, { operations: [drops], evidence })).toBeGreaterThan(2);
  });

  it("goes, too, when a person has flushed it, or has added to it", async () => {
    for (const change of ["flush table inet play", "add rule inet play early tcp dport 7003 accept"]) {
      const before = await bench.run(evidence);
      const prepared = await prepare(bench, drops);
      expectInEffect(prepared, await apply(bench, prepared));
      await bench.run(`nft ${change}`);
      const [now] = await look(bench, prepared);
      const [operation] = prepared.operations;
      if (now === undefined || operation === undefined) throw new Error("not read");
      expect(
        kindOf(drops).inEffect(drops, operation.before, now, { token: "", content: () => Buffer.alloc(0) }),
      ).toBe(false);
      expect(kindOf(drops).remains(drops, operation.before, now)).toBe(true);
      expectRestored(prepared, await restore(bench, prepared));
      expect(await bench.run(evidence)).toBe(before);
    }
  });

  it("is refused where one of its name is, and where nft does not take it", async () => {
    await bench.run("nft add table inet play");
    try {
      expect(await refusal(bench, drops)).toMatch(/table inet play already/);
    } finally {
      await bench.run("nft delete table inet play");
    }
    expect(await refusal(bench, nftTable("play", [chain("tcp dport nonsense drop")]))).toMatch(
      /does not take/,
    );
    expect(await bench.run(evidence)).not.toContain("play");
  });
});

it.each([
  ["drop }; flush ruleset", "play"],
  ["drop; accept", "play"],
  ["drop\nflush ruleset", "play"],
  ["drop", "play { } ; flush ruleset"],
  ["", "play"],
])("%j in %j is no rule of a table", async (rule, table) => {
  const spec = nftTable(table, [chain(rule)]);
  expect(await (await validator())(kindOf(spec).schema, spec)).not.toEqual([]);
});
