import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firewallRule } from "../../src/operations/constructors.ts";
import { kindOf } from "../../src/operations/index.ts";
import { validator } from "../../src/schema.ts";
import { type TestLab, useLab } from "../support/lab.ts";
import {
  apply,
  type Bench,
  expectInEffect,
  expectRestored,
  expectRestoredStates,
  look,
  openBench,
  prepare,
  refusal,
  restore,
  roundTrip,
} from "../support/operations.ts";

let lab: TestLab;
let bench: Bench;

beforeAll(async () => {
  // Its iptables is made another one.
  lab = await useLab({ nodes: "1", fresh: true });
  bench = await openBench(lab.node("cp1"));
});

afterAll(async () => {
  await bench.close();
  await lab.down();
});

/** All rules of both sets; of the legacy one the kernel never gives up an empty table. */
const evidence = `
for tool in iptables ip6tables; do $tool-legacy-save | grep -e '^-A' -e ' DROP ' || :; done
nft -s list ruleset`;

const drop = (port: number) => ["-p", "tcp", "--dport", String(port), "-j", "DROP"];

const useSet = (set: string) =>
  bench.run(
    ["iptables", "ip6tables"]
      .map((tool) => `ln -sfn /usr/sbin/${tool}-${set} /etc/alternatives/${tool}`)
      .join("\n"),
  );

/** Whether a listener on a port of the node's own can be reached. */
const reachable = async (port: number, host = "127.0.0.1") =>
  (
    await bench.run(`
      { timeout 5 nc -l ${host} ${port} </dev/null >/dev/null 2>&1; } &
      until ss -Htln 'sport = :${port}' | grep -q .; do sleep 0.02; done
      if nc -z -w 1 ${host} ${port}; then echo yes; else echo no; fi`)
  ).trim();

/** Does something to the node for the length of a test. */
async function among(preparation: string, cleaning: string, test: () => Promise<void>): Promise<void> {
  const before = await bench.run(evidence);
  await bench.run(preparation);
  try {
    await test();
  } finally {
    await bench.run(cleaning);
  }
  expect(await bench.run(evidence)).toBe(before);
}

describe.each(["nft", "legacy"])("with iptables-%s, a rule", (set) => {
  beforeAll(() => useSet(set));
  afterAll(() => useSet("nft"));

  it("has its effect, and nothing is left of it, its table neither", async () => {
    await roundTrip(bench, {
      operations: [firewallRule(drop(7001))],
      evidence,
      meanwhile: async () => {
        expect(await reachable(7001)).toBe("no");
        expect(await reachable(7002)).toBe("yes");
        expect(await bench.run("iptables -S INPUT")).toContain("--dport 7001 -j DROP");
      },
    });
    expect(await reachable(7001)).toBe("yes");
  });

  it("of IPv6 is another one", async () => {
    await roundTrip(bench, {
      operations: [firewallRule(drop(7001), { family: "ip6" })],
      evidence,
      meanwhile: async () => {
        expect(await reachable(7001)).toBe("yes");
        expect(await reachable(7001, "::1")).toBe("no");
      },
    });
  });

  it("and others of the same chain and table come and go together", async () => {
    const raw = (chain: string, port: number) =>
      firewallRule(["-p", "tcp", "--dport", String(port), "-j", "CT", "--notrack"], { table: "raw", chain });
    await roundTrip(bench, {
      operations: [raw("PREROUTING", 7001), raw("PREROUTING", 7002), raw("OUTPUT", 7001)],
      evidence,
    });
  });

  it("is put first or last among somebody's, which stay as they are", async () => {
    const order = async () => (await bench.run("iptables -S INPUT")).match(/dport \d+/g);
    await among(
      "iptables -A INPUT -p tcp --dport 1 -j DROP; iptables -A INPUT -p tcp --dport 2 -j DROP",
      set === "nft" ? "nft delete table ip filter" : "iptables -F INPUT",
      async () => {
        for (const [position, ports] of [
          ["insert", ["dport 7001", "dport 1", "dport 2"]],
          ["append", ["dport 1", "dport 2", "dport 7001"]],
        ] as const)
          await roundTrip(bench, {
            operations: [firewallRule(drop(7001), { position })],
            evidence,
            meanwhile: async () => expect(await order()).toEqual(ports),
          });
      },
    );
  });

  it("may be in a chain of the node's, jump to another, and say what it likes", async () => {
    await among(
      "iptables -t nat -N MINE; iptables -t nat -N OTHER",
      set === "nft" ? "nft delete table ip nat" : "iptables -t nat -X MINE; iptables -t nat -X OTHER",
      () =>
        roundTrip(bench, {
          operations: [
            firewallRule(["-m", "comment", "--comment", `it's  "$(id)" \\ *`, "-j", "OTHER"], {
              table: "nat",
              chain: "MINE",
            }),
          ],
          evidence,
        }),
    );
  });

  it("that a person has deleted is gone; a table that was left empty is taken away when all is to be exact", async () => {
    const before = await bench.run(evidence);
    const prepared = await prepare(bench, firewallRule(drop(7001)));
    expectInEffect(prepared, await apply(bench, prepared));
    await bench.run(`iptables -D INPUT ${drop(7001).join(" ")}`);
    expect(await look(bench, prepared)).toMatchObject([{ values: { rule: "absent" } }]);
    expectRestored(prepared, await restore(bench, prepared));
    expect(await bench.run(evidence)).toBe(before);
  });

  it("that a person has added once more is deleted once", async () => {
    const rule = drop(7001).join(" ");
    const prepared = await prepare(bench, firewallRule(drop(7001)));
    expectInEffect(prepared, await apply(bench, prepared));
    await bench.run(`iptables -A INPUT ${rule}`);
    await restore(bench, prepared);
    expect((await bench.run("iptables -S INPUT")).match(/7001/g)).toHaveLength(1);
    await restore(bench, prepared);
    expectRestoredStates(prepared, await look(bench, prepared));
  });

  it("is found again when the node's iptables is another one by then", async () => {
    const before = await bench.run(evidence);
    const prepared = await prepare(bench, firewallRule(drop(7001)));
    expectInEffect(prepared, await apply(bench, prepared));
    await useSet(set === "nft" ? "legacy" : "nft");
    try {
      expect(await look(bench, prepared)).toMatchObject([{ values: { rule: "present" } }]);
      expectRestored(prepared, await restore(bench, prepared));
      expect(await bench.run(evidence)).toBe(before);
    } finally {
      await useSet(set);
    }
  });

  it("of which it cannot be told whether it is there is neither there nor gone", async () => {
    const prepared = await prepare(bench, firewallRule(drop(7001)));
    await bench.run(
      "mount --bind /usr/bin/false /usr/sbin/xtables-nft-multi; mount --bind /usr/bin/false /usr/sbin/xtables-legacy-multi",
    );
    try {
      expect(await look(bench, prepared)).toEqual([undefined]);
    } finally {
      await bench.run("umount /usr/sbin/xtables-nft-multi /usr/sbin/xtables-legacy-multi");
    }
  });

  it.each([
    ["in a chain that is not there", { chain: "NOSUCH" }, drop(1), /No chain/],
    [
      "with a match that there is not",
      {},
      ["-m", "nosuch", "-j", "DROP"],
      /does not take the rule: .*nosuch/,
    ],
    ["with a target that there is not", {}, ["-j", "NOSUCH"], /does not take the rule: .*NOSUCH/],
    ["with a target that the table does not have", {}, ["-j", "CT", "--notrack"], /does not take the rule/],
  ])("is refused %s", async (_name, options, rule, why) => {
    const before = await bench.run(evidence);
    expect(await refusal(bench, firewallRule(rule, options))).toMatch(why);
    expect(await bench.run(evidence)).toBe(before);
  });

  it("is refused when it is there already, in either set", async () => {
    for (const other of ["nft", "legacy"])
      await among(
        `iptables-${other} -A INPUT -p tcp -m tcp --dport 7001 -j DROP`,
        other === "nft" ? "nft delete table ip filter" : "iptables-legacy -F INPUT",
        async () => expect(await refusal(bench, firewallRule(drop(7001)))).toMatch(/already/),
      );
  });
});

it.each([
  [["-j", ""], {}],
  [[], {}],
  [["-j", "DROP\n-A"], {}],
  [["-j", "DROP"], { chain: "-F" }],
  [["-j", "DROP"], { chain: "" }],
])("%j is no rule (%j)", async (rule, options) => {
  const spec = firewallRule(rule, options);
  expect(await (await validator())(kindOf(spec).schema, spec)).not.toEqual([]);
});
