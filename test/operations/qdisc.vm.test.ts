import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { qdisc } from "../../src/operations/constructors.ts";
import { type Bench as Engine, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";
import {
  apply,
  type Bench,
  expectRestored,
  openBench,
  prepare,
  refusal,
  restore,
  roundTrip,
} from "../support/operations.ts";

let engine: Engine;
let node: TestNode;
let bench: Bench;
let address: string;

/** A neighbour in a network namespace of its own, with three addresses, and a device with the kernel's own queue. */
beforeAll(async () => {
  engine = await useBench({ provider: "vm", nodes: "1" });
  node = engine.lab.node("cp1");
  bench = await openBench(node);
  await on(
    node,
    `ip netns add neighbour
     ip link add kt0 type veth peer name kt1 netns neighbour
     ip address add 192.0.2.1/24 dev kt0; ip address add fd00:2::1/64 dev kt0 nodad; ip link set kt0 up
     n='ip -n neighbour'
     $n address add 192.0.2.2/24 dev kt1; $n address add 192.0.2.3/24 dev kt1
     $n address add fd00:2::2/64 dev kt1 nodad; $n link set kt1 up; $n route add default via 192.0.2.1
     ip tuntap add tap0 mode tap; ip link set tap0 up`,
  );
  address = (await on(node, "ip -o -4 address show dev eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'")).trim();
}, 600_000);

afterAll(async () => {
  await on(node, "ip netns del neighbour; ip link del tap0; rmmod veth");
  await bench?.close();
  await engine?.end();
});

const evidence = () =>
  bench.run(
    "cut -d' ' -f1 /proc/modules | sort; tc qdisc show; for d in eth0 kt0 tap0; do tc class show dev $d; tc filter show dev $d; done",
  );

/** Milliseconds of some round trips. */
async function ping(host: string, count = 3): Promise<{ least: number; most: number }> {
  const answer = await bench.run(`ping -n -q -c ${count} -i 0.2 -W 10 ${host}`);
  const [, least, most] = /= ([\d.]+)\/[\d.]+\/([\d.]+)/.exec(answer) ?? [];
  return { least: Number(least), most: Number(most) };
}

/** Milliseconds until the neighbour, from one of its addresses, has a connection to etcd. */
async function connectToEtcd(from: string): Promise<number> {
  const seconds = await bench.run(
    `ip netns exec neighbour curl -s -o /dev/null -w '%{time_connect}' --max-time 20 --interface ${from} http://${address}:2379/ || :`,
  );
  expect(Number(seconds)).toBeGreaterThan(0);
  return Number(seconds) * 1000;
}

describe("netem", () => {
  it("delays what it shall, and only that: a peer's connections to etcd", async () => {
    const measured = async () => [
      await connectToEtcd("192.0.2.2"),
      await connectToEtcd("192.0.2.3"),
      (await ping("192.0.2.2")).least,
    ];
    const slow = async () => (await measured()).map((time) => time >= 400);
    expect(await slow()).toEqual([false, false, false]);
    await roundTrip(bench, {
      operations: [
        qdisc("kt0", ["netem", "delay", "500ms"], { ports: [2379], peers: ["192.0.2.2"], spare: [22] }),
      ],
      evidence,
      whole: true,
      meanwhile: async () => expect(await slow()).toEqual([true, false, false]),
    });
    expect(await slow()).toEqual([false, false, false]);
  });

  it("delays IPv6, with jitter", async () => {
    await roundTrip(bench, {
      operations: [
        qdisc("kt0", ["netem", "delay", "300ms", "100ms"], { peers: ["fd00:2::/64"], spare: [22] }),
      ],
      evidence,
      meanwhile: async () => {
        const { least, most } = await ping("fd00:2::2", 10);
        expect(least).toBeGreaterThanOrEqual(200);
        expect(most - least).toBeGreaterThan(30);
        expect((await ping("192.0.2.2")).least).toBeLessThan(200);
      },
    });
  });

  it("for every packet spares the way in: a new login takes as long as before", async () => {
    const gateway = (await bench.run("ip route show default | sed 's/.* via \\([^ ]*\\).*/\\1/'")).trim();
    const login = async () => {
      const began = performance.now();
      expect((await node.exec("true")).code).toBe(0);
      return performance.now() - began;
    };
    const before = await evidence();
    const usual = Math.min(await login(), await login());
    const run = await engine.apply(await engine.single("network/latency", "delay=2000", "jitter=0"));
    expect((await ping(gateway)).least).toBeGreaterThanOrEqual(2000);
    expect(Math.min(await login(), await login()) - usual).toBeLessThan(1500);
    expect(await engine.undo(run)).toMatchObject({ complete: true, kept: 0 });
    expect((await ping(gateway)).least).toBeLessThan(200);
    expect(await evidence()).toBe(before);
  });
});

const netem = (device: string) => qdisc(device, ["netem", "delay", "100ms"], { spare: [22] });

describe("the root that was there", () => {
  afterEach(() =>
    bench.run(
      "tc qdisc del dev kt0 root 2>/dev/null || :; rmmod $(sed -nE 's/^((sch|cls)_[^ ]*) .*/\\1/p' /proc/modules) 2>/dev/null || :",
    ),
  );

  it.each(["fq_codel limit 500", "fq limit 5000 maxrate 1gbit nopacing"])(
    "comes back exactly: %s",
    async (root) => {
      await bench.run(`tc qdisc add dev kt0 root ${root}`);
      await roundTrip(bench, { operations: [netem("kt0")], evidence });
      await bench.run("tc qdisc del dev kt0 root");
    },
  );

  it("comes back exactly: the kernel's own of a device with several queues", async () => {
    await bench.run("ip link add ifb9 numtxqueues 3 type ifb; ip link set ifb9 up");
    expect(await bench.run("tc qdisc show dev ifb9")).toMatch(/mq 0: root[\s\S]*fq_codel 0: parent :3/);
    await roundTrip(bench, { operations: [netem("ifb9")], evidence });
    await bench.run(
      "tc qdisc replace dev ifb9 root handle 1: mq; tc qdisc replace dev ifb9 parent 1:2 handle 8: pfifo",
    );
    expect(await refusal(bench, netem("ifb9"))).toMatch(/mq 1:, that could not be put back exactly/);
    await bench.run("ip link del ifb9; rmmod ifb");
  });

  it.each([
    ["prio", /nothing tells all of a prio/],
    ["netem delay 1ms 1ms", /nothing tells all of a netem/],
  ])("is refused when that cannot be: %s", async (root, reason) => {
    await bench.run(`tc qdisc add dev kt0 root ${root}`);
    expect(await refusal(bench, netem("kt0"))).toMatch(reason);
  });

  it("the kernel's own, which it would make differently now, is refused until it is made anew", async () => {
    await bench.run("ip link set tap0 mtu 1400; sysctl -qw net.core.default_qdisc=pfifo_fast");
    expect(await refusal(bench, netem("tap0"))).toMatch(/fq_codel 0:: pfifo_fast would come/);
    await bench.run("sysctl -qw net.core.default_qdisc=fq_codel");
    const reason = await refusal(bench, netem("tap0"));
    expect(reason).toMatch(/other numbers/);
    await bench.run(reason?.replace(/.*made anew: /, "") ?? "");
    expect(await refusal(bench, netem("tap0"))).toBeUndefined();
    await bench.run(
      "ip link set tap0 mtu 1500; tc qdisc add dev tap0 root pfifo; tc qdisc del dev tap0 root",
    );
  });

  it("comes back with its numbers though the MTU is put back after it", async () => {
    const before = await evidence();
    const playbook = await engine.playbook(`
name: two
steps:
  - { name: narrow, operations: [{ kind: link, device: tap0, mtu: 1400 }] }
  - { name: slow, operations: [{ kind: qdisc, device: tap0, discipline: [netem, delay, 100ms] }] }
`);
    const run = await engine.apply(playbook);
    expect(await engine.undo(run)).toMatchObject({ complete: true, kept: 0 });
    expect(await evidence()).toBe(before);
  });
});

it("a kernel module that somebody else uses by now stays", async () => {
  const prepared = await prepare(bench, netem("kt0"));
  await apply(bench, prepared);
  await bench.run("tc qdisc add dev tap0 root handle 9: netem delay 1ms");
  const undone = await restore(bench, prepared);
  expect(undone.changes).toEqual([{ kind: "done" }]);
  expect(await bench.run("tc qdisc show dev tap0; lsmod")).toMatch(/netem 9:[\s\S]*sch_netem/);
  await bench.run("tc qdisc del dev tap0 root");
  expectRestored(prepared, await restore(bench, prepared));
  expect(await bench.run("lsmod")).not.toMatch(/sch_|cls_/);
});
