import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { qdisc } from "../../src/operations/constructors.ts";
import { type TestLab, useLab } from "../support/lab.ts";
import {
  apply,
  type Bench,
  everyDeath,
  openBench,
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
  await bench.close();
  await other.close();
});

const slow = ["tbf", "rate", "1mbit", "burst", "32kbit", "latency", "10s"];
const evidence = () =>
  bench.run(`tc -s qdisc show | grep ^qdisc; tc filter show dev ${device}; tc class show dev ${device}`);

/** Milliseconds that the other node needs to fetch 250 kB from a port of this one. */
async function download(port: number): Promise<number> {
  await bench.run(`
    head -c 250000 /dev/zero > /run/payload
    { timeout 20 nc -N -l -p ${port} < /run/payload > /dev/null 2>&1; rm -f /run/payload; } </dev/null >/dev/null 2>&1 &
    until ss -Htln 'sport = :${port}' | grep -q .; do sleep 0.02; done`);
  const began = performance.now();
  const bytes = await other.run(`nc -w 15 ${address} ${port} </dev/null | wc -c`);
  expect(bytes.trim()).toBe("250000");
  return performance.now() - began;
}

describe("a queueing discipline", () => {
  it("shapes what it shall, spares what it shall, and the default is back afterwards", async () => {
    await roundTrip(bench, {
      operations: [qdisc(device, slow, { ports: [7001], spare: [22, 7003] })],
      evidence,
      meanwhile: async () => {
        expect(await download(7001)).toBeGreaterThan(1000);
        expect(await download(7002)).toBeLessThan(1000);
      },
    });
    expect(await download(7001)).toBeLessThan(1000);
  });

  it("for every packet spares the control channel", async () => {
    await roundTrip(bench, {
      operations: [qdisc(device, slow, { spare: [22, 7003] })],
      evidence,
      meanwhile: async () => {
        expect(await download(7001)).toBeGreaterThan(1000);
        expect(await download(7003)).toBeLessThan(1000);
        const began = performance.now();
        await bench.run("head -c 250000 /dev/urandom | base64");
        expect(performance.now() - began).toBeLessThan(1000);
      },
    });
  });

  it("for a peer leaves the others alone", async () => {
    const peer = (await other.run("hostname -I")).trim().split(" ")[0] ?? "";
    for (const [peers, expected] of [
      [[peer], "slow"],
      [["192.0.2.0/24"], "fast"],
    ] as const) {
      await roundTrip(bench, {
        operations: [qdisc(device, slow, { peers, spare: [22] })],
        evidence,
        meanwhile: async () => expect((await download(7001)) > 1000 ? "slow" : "fast").toBe(expected),
      });
    }
  });

  it("killed anywhere, it is gone", async () => {
    expect(
      await everyDeath(bench, {
        operations: [qdisc(device, slow, { ports: [7001], spare: [22] })],
        evidence,
      }),
    ).toBeGreaterThan(5);
  });
});

describe("it is refused", () => {
  it("with a discipline that the kernel does not have, by its name", async () => {
    expect(await refusal(bench, qdisc(device, ["netem", "delay", "100ms"]))).toMatch(/netem/);
  });

  it("with arguments that tc does not take, before anything is touched", async () => {
    expect(await refusal(bench, qdisc(device, ["tbf", "rate", "nonsense"]))).toMatch(/nonsense|tbf/);
  });

  it("on a device that is not there", async () => {
    expect(await refusal(bench, qdisc("nosuch0", slow))).toMatch(/no network device nosuch0/);
  });

  it("on a device that has somebody's discipline, which stays", async () => {
    await bench.run(`tc qdisc add dev ${device} root handle 1: tbf rate 1gbit burst 1mbit latency 1s`);
    try {
      expect(await refusal(bench, qdisc(device, slow))).toMatch(/somebody else/);
    } finally {
      await bench.run(`tc qdisc del dev ${device} root`);
    }
  });
});

it("somebody's discipline that took the place of ours is left alone", async () => {
  const prepared = await prepare(bench, qdisc(device, slow, { spare: [22] }));
  await apply(bench, prepared);
  await bench.run(`tc qdisc replace dev ${device} root handle 5: tbf rate 1gbit burst 1mbit latency 1s`);
  try {
    await restore(bench, prepared);
    expect(await bench.run(`tc qdisc show dev ${device}`)).toContain("tbf 5:");
  } finally {
    await bench.run(`tc qdisc del dev ${device} root`);
  }
});
