import { expect, it } from "vitest";
import { dropPort } from "../../src/helpers/packet-program.ts";
import { packetFilter } from "../../src/operations/constructors.ts";
import {
  apply,
  benchOn,
  everyDeath,
  expectInEffect,
  expectRestored,
  prepare,
  refusal,
  restore,
  roundTrip,
} from "../support/operations.ts";

const bench = benchOn("w1");

const evidence = `tc qdisc show; for side in ingress egress; do tc filter show dev lo $side 2>&1 || :; done`;

/** What becomes of packets to ports where nobody listens: a refusal, unless they are dropped. */
const silent = async (...asks: readonly string[]) =>
  (
    await bench.run(
      asks
        .map((ask) => `case $(nc -n -v -z -w 1 ${ask} 2>&1) in *refused*) echo no ;; *) echo yes ;; esac`)
        .join("\n"),
    )
  )
    .trim()
    .split("\n");

it("drops a port of IPv4 and IPv6 and nothing else, where no firewall shows it, and goes again", async () => {
  await roundTrip(bench, {
    operations: [packetFilter("lo", "ingress", dropPort("tcp", 7001))],
    evidence,
    meanwhile: async () => {
      expect(await silent("127.0.0.1 7001", "::1 7001", "127.0.0.1 7002", "::1 7002")).toEqual([
        "yes",
        "yes",
        "no",
        "no",
      ]);
      expect(await bench.run("nft list ruleset; iptables-legacy-save | grep -- -A || :")).not.toContain(
        "7001",
      );
      // Behind options of IPv4 the ports are elsewhere.
      expect(await bench.run("ping -n -c 1 -R 127.0.0.1 | grep -c ' 0% packet loss'")).toBe("1\n");
    },
  });
});

it("of UDP leaves TCP alone, and one of each side comes and goes beside it", async () => {
  await roundTrip(bench, {
    operations: [
      packetFilter("lo", "ingress", dropPort("udp", 7002)),
      packetFilter("lo", "egress", dropPort("udp", 7001)),
    ],
    evidence,
    meanwhile: async () => expect(await silent("127.0.0.1 7001", "-u 127.0.0.1 7001")).toEqual(["no", "yes"]),
  });
});

it("leaves what it hangs below where somebody else's hangs there, too", async () => {
  const other = "tc filter add dev lo egress protocol ip prio 1 u32 match ip dport 7009 0xffff flowid 1:1";
  await bench.run(`tc qdisc add dev lo clsact; ${other}`);
  try {
    await roundTrip(bench, { operations: [packetFilter("lo", "ingress", dropPort("tcp", 7001))], evidence });
  } finally {
    await bench.run("tc qdisc del dev lo clsact");
  }
  const prepared = await prepare(bench, packetFilter("lo", "ingress", dropPort("tcp", 7001)));
  expectInEffect(prepared, await apply(bench, prepared));
  await bench.run(other);
  try {
    expectRestored(prepared, await restore(bench, prepared));
    expect(await bench.run(evidence)).toContain("pref 1 u32");
  } finally {
    await bench.run("tc qdisc del dev lo clsact");
  }
});

it("is put back from wherever it was killed", async () => {
  const operations = [packetFilter("lo", "ingress", dropPort("tcp", 7001))];
  expect(await everyDeath(bench, { operations, evidence })).toBeGreaterThan(5);
});

it("is refused where it cannot be, or is no program", async () => {
  expect(await refusal(bench, packetFilter("nosuch0", "ingress", dropPort("tcp", 1)))).toMatch(
    /no network device/,
  );
  // Without a last instruction that returns.
  expect(await refusal(bench, packetFilter("lo", "ingress", "1,40 0 0 12"))).toMatch(/does not take/);
  await bench.run("tc qdisc add dev lo ingress");
  try {
    expect(await refusal(bench, packetFilter("lo", "egress", dropPort("tcp", 1)))).toMatch(/what leaves/);
  } finally {
    await bench.run("tc qdisc del dev lo ingress");
  }
});
