import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { verdictOf } from "../../src/engine/verdict.ts";
import { qdisc } from "../../src/operations/constructors.ts";
import { type TestLab, useLab } from "../support/lab.ts";
import {
  apply,
  type Bench,
  everyDeath,
  expectRestored,
  look,
  openBench,
  type Prepared,
  prepare,
  refusal,
  restore,
  roundTrip,
} from "../support/operations.ts";

let lab: TestLab;
let bench: Bench;
let other: Bench;
let device: string;
let address: string;

beforeAll(async () => {
  lab = await useLab();
  bench = await openBench(lab.node("w1"));
  other = await openBench(lab.node("cp1"));
  device = (await bench.run("ip -o route show default | sed 's/.* dev \\([^ ]*\\).*/\\1/'")).trim();
  address = (
    await bench.run(`ip -o -4 address show dev ${device} | sed 's/.*inet \\([0-9.]*\\).*/\\1/'`)
  ).trim();
});

afterAll(async () => {
  await bench?.close();
  await other?.close();
});

const slow = ["tbf", "rate", "1mbit", "burst", "32kbit", "latency", "10s"];
const evidence = () =>
  bench.run(
    `tc qdisc show | sed 's/direct_packets_stat [0-9]*//'; tc filter show dev ${device}; tc class show dev ${device}`,
  );

/** Milliseconds that `from` needs to fetch 250 kB from a port of the node. */
async function download(port: number, from = other, host = address): Promise<number> {
  await bench.run(`
    head -c 250000 /dev/zero > /run/payload
    { timeout 20 nc -N -l -p ${port} -s ${host} < /run/payload > /dev/null 2>&1; rm -f /run/payload; } </dev/null >/dev/null 2>&1 &
    until ss -Htln 'sport = :${port}' | grep -q .; do sleep 0.02; done`);
  const began = performance.now();
  const bytes = await from.run(`nc -w 15 ${host} ${port} </dev/null | wc -c`);
  expect(bytes.trim()).toBe("250000");
  return performance.now() - began;
}
const speed = (milliseconds: number) => (milliseconds > 1700 ? "slow" : "fast");

describe("a queueing discipline", () => {
  it("shapes what it shall, spares what it shall, and the default is back afterwards", async () => {
    await roundTrip(bench, {
      operations: [qdisc(device, slow, { ports: [7001], spare: [22, 7003] })],
      evidence,
      meanwhile: async () => {
        expect(speed(await download(7001))).toBe("slow");
        expect(speed(await download(7002))).toBe("fast");
      },
    });
    expect(speed(await download(7001))).toBe("fast");
  });

  it("for every packet spares the control channel", async () => {
    await roundTrip(bench, {
      operations: [qdisc(device, slow, { spare: [22, 7003] })],
      evidence,
      meanwhile: async () => {
        expect(speed(await download(7001))).toBe("slow");
        expect(speed(await download(7003))).toBe("fast");
        const began = performance.now();
        await bench.run("head -c 250000 /dev/urandom | base64");
        expect(speed(performance.now() - began)).toBe("fast");
      },
    });
  });

  it("for a peer leaves the others alone", async () => {
    const peer = (await other.run("hostname -I")).trim().split(" ")[0] ?? "";
    for (const [peers, expected] of [
      [[peer], "slow"],
      [["192.0.2.0/24", "2001:db8::/32"], "fast"],
    ] as const) {
      await roundTrip(bench, {
        operations: [qdisc(device, slow, { peers, spare: [22] })],
        evidence,
        meanwhile: async () => expect(speed(await download(7001))).toBe(expected),
      });
    }
  });

  it("does the same to IPv6", async () => {
    await bench.run("ip link add kt0 type veth peer name kt1; ip link set kt0 up");
    try {
      const prepared = await prepare(
        bench,
        qdisc("kt0", slow, { peers: ["2001:db8::/32", "192.0.2.1"], ports: [7001], spare: [22] }),
      );
      await apply(bench, prepared);
      const filters = await bench.run("tc filter show dev kt0 parent 7a31:");
      // Sparing: two protocols, two sides. Shaping the same for a network of IPv6, and for an address of IPv4.
      const count = (text: string) => filters.split(text).length - 1;
      // Four more let pass what the node needs to keep its addresses.
      expect([count("flowid 7a31:1"), count("flowid 7a31:2")]).toEqual([8 + 4, 8]);
      expect(count("match 20010db8/ffffffff at 24")).toBe(4);
      expect(count("match c0000201/ffffffff at 16")).toBe(4);
      expectRestored(prepared, await restore(bench, prepared));
    } finally {
      await bench.run("ip link del kt0");
    }
  });

  it("killed anywhere, it is gone", async () => {
    const operations = [qdisc(device, slow, { ports: [7001], spare: [22] })];
    expect(await everyDeath(bench, { operations, evidence })).toBeGreaterThan(5);
  });
});

describe("another's root", () => {
  const operations = () => [qdisc(device, slow, { ports: [7001], spare: [22] })];
  const behind = async (commands: string, body: () => Promise<void>) => {
    await bench.run(commands.replaceAll("DEVICE", device));
    try {
      await body();
    } finally {
      await bench.run(`tc qdisc del dev ${device} root; tc qdisc del dev ${device} clsact 2>/dev/null || :`);
    }
  };
  const tbf = "tc qdisc add dev DEVICE root handle 5: tbf rate 1gbit burst 1mbit latency 1s";

  it.each([
    tbf,
    "tc qdisc add dev DEVICE root pfifo limit 77",
    "tc qdisc add dev DEVICE root bfifo limit 9999; tc qdisc add dev DEVICE clsact",
    "tc qdisc add dev DEVICE root noqueue",
  ])("comes back exactly: %s", (commands) =>
    behind(commands, () => roundTrip(bench, { operations: operations(), evidence })),
  );

  it("comes back exactly, killed anywhere", () =>
    behind(tbf, async () => {
      expect(await everyDeath(bench, { operations: operations(), evidence })).toBeGreaterThan(5);
    }));

  it.each([
    ["tc qdisc add dev DEVICE root tbf rate 777kbit burst 1600 limit 30000", /tbf \w+:, .*what it prints/],
    ["tc qdisc add dev DEVICE root htb default 30", /htb \w+:, .*nothing tells all of a htb/],
    [`${tbf}; tc qdisc add dev DEVICE parent 5:1 pfifo limit 7`, /tbf 5:, .*another one is below it/],
  ])("is refused with the reason, and stays: %s", (commands, reason) =>
    behind(commands, async () => {
      const before = await evidence();
      expect(await refusal(bench, ...operations())).toMatch(reason);
      expect(await evidence()).toBe(before);
    }),
  );
});

describe("it is refused", () => {
  it.each([
    ["with a discipline that the kernel does not have", ["netem", "delay", "100ms"], /no netem queueing/],
    ["with arguments that tc does not take", ["tbf", "rate", "nonsense"], /nonsense|tbf/],
  ])("%s", async (_, discipline, reason) => {
    const before = await evidence();
    expect(await refusal(bench, qdisc(device, discipline))).toMatch(reason);
    expect(await evidence()).toBe(before);
  });

  it("on a device that is not there", async () => {
    expect(await refusal(bench, qdisc("nosuch0", slow))).toMatch(/no network device nosuch0/);
  });

  it("on a device that is down", async () => {
    await bench.run("ip link add kt0 type veth peer name kt1");
    expect(await refusal(bench, qdisc("kt0", slow))).toMatch(/kt0 is down/);
    await bench.run("ip link del kt0");
  });

  it("on a device that another run shapes", async () => {
    const prepared = await prepare(bench, qdisc(device, slow, { spare: [22] }));
    await apply(bench, prepared);
    expect(await refusal(bench, qdisc(device, slow))).toMatch(/shaped already/);
    await restore(bench, prepared);
  });
});

describe("what became of it meanwhile", () => {
  const operation = () => qdisc("kt0", slow, { spare: [22] });
  const made = "ip link add kt0 type veth peer name kt1; ip link set kt0 up";

  /** Prepares a device, applies, lets a person do something, and tells the verdict when the symptom is quiet. */
  async function meanwhile(before: string, person: string): Promise<[Prepared, string]> {
    await bench.run(`${made}; ${before}`);
    const prepared = await prepare(bench, operation());
    await apply(bench, prepared);
    await bench.run(person);
    return [prepared, await verdict(prepared)];
  }
  async function verdict(prepared: Prepared): Promise<string> {
    const [now] = await look(bench, prepared);
    const [planned] = prepared.operations;
    if (planned === undefined) throw new Error("nothing was prepared");
    const finding = { operation: planned, now, symptom: "quiet", halfDone: false } as const;
    return verdictOf(finding, { token: planned.token, content: () => Buffer.alloc(0) });
  }
  afterEach(() => bench.run("ip link del kt0 2>/dev/null || :"));

  it.each([
    ["deleted", ":", "tc qdisc del dev kt0 root", "fixed exactly"],
    [
      "another's put there",
      ":",
      "tc qdisc replace dev kt0 root handle 5: pfifo limit 7",
      "fixed differently",
    ],
    [
      "deleted where another's was",
      "tc qdisc add dev kt0 root pfifo",
      "tc qdisc del dev kt0 root",
      "fixed differently",
    ],
    [
      "made harmless",
      ":",
      "tc qdisc change dev kt0 parent 7a31:2 handle 7a32: tbf rate 1gbit burst 1mbit latency 1s",
      "drifted",
    ],
    ["its filters removed", ":", "tc filter del dev kt0 parent 7a31: prio 3", "drifted"],
    ["device removed", ":", "ip link del kt0", "drifted"],
    ["device made anew", ":", `ip link del kt0; ${made}`, "drifted"],
  ])("%s", async (_, before, person, expected) => {
    const [, found] = await meanwhile(before, person);
    expect(found).toBe(expected);
  });

  it("a device that is gone cannot be restored, says so, and can when it is back", async () => {
    const [prepared] = await meanwhile(
      "tc qdisc add dev kt0 root handle 5: pfifo limit 7",
      "ip link del kt0",
    );
    const { changes } = await restore(bench, prepared);
    expect(changes).toEqual([
      {
        kind: "failed",
        message: "there is no network device kt0 any more, and what was changed has gone with it",
      },
    ]);
    await bench.run(made);
    expectRestored(prepared, await restore(bench, prepared));
    expect(await bench.run("tc qdisc show dev kt0")).toContain("pfifo 5:");
  });

  it("a restoration puts what was there in the place of another's", async () => {
    const [prepared] = await meanwhile(":", "tc qdisc replace dev kt0 root handle 5: pfifo limit 7");
    expectRestored(prepared, await restore(bench, prepared));
  });
});
