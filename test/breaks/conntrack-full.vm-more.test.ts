import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Bench, connectTo, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";

let bench: Bench;
let node: TestNode;

beforeAll(async () => {
  bench = await useBench({ provider: "vm", nodes: "1" });
  node = bench.lab.node("cp1");
});

afterEach(() => bench.undoAll());

afterAll(() => bench?.end());

const setting = "/proc/sys/net/netfilter/nf_conntrack_max";
const limit = async () => (await on(node, `cat ${setting}`)).trim();

/** Milliseconds that a fresh ssh connection takes. */
async function handshake(): Promise<number> {
  const began = performance.now();
  const connection = await connectTo(node);
  await connection.close();
  return performance.now() - began;
}

/** Whether etcd takes a new connection on the node itself. */
const etcdTakes = async () =>
  (await on(node, "if nc -z -w 3 127.0.0.1 2379; then echo yes; else echo no; fi")).trim();

it("nothing new connects but kbreak's way in; a power cut takes it away, and a limit set by hand with it: that is kept, or exact", async () => {
  const boot = await limit();
  const before = await handshake();
  expect(await etcdTakes()).toBe("yes");
  await on(node, `echo 5000 > ${setting}`);
  try {
    const run = await bench.apply(await bench.single("kernel/conntrack-full"));
    expect(await etcdTakes()).toBe("no");
    expect(await on(node, "dmesg")).toContain("table full, dropping packet");
    // A packet that is lost is sent again after a second.
    expect(await handshake()).toBeLessThan(before * 2 + 900);
    await node.powerCut();
    await node.start();
    expect(await limit()).toBe(boot);
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 1 });
    expect(await limit()).toBe(boot);
    expect(await bench.undo(run, { exact: true })).toMatchObject({ complete: true, kept: 0 });
    expect(await limit()).toBe("5000");
  } finally {
    await on(node, `echo ${boot} > ${setting}`);
  }
});
