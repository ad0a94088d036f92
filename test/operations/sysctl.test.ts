import { describe, expect, it } from "vitest";
import { sysctl } from "../../src/operations/constructors.ts";
import { kindOf } from "../../src/operations/index.ts";
import { validator } from "../../src/schema.ts";
import {
  apply,
  benchOn,
  expectInEffect,
  expectRestored,
  look,
  prepare,
  refusal,
  restore,
  roundTrip,
  undo,
} from "../support/operations.ts";

const bench = benchOn("w1");

/** Every setting of the node's network. */
const evidence = "grep -rHs . /proc/sys/net/ipv4 /proc/sys/net/ipv6 | sort";
const read = async (path: string) => (await bench.run(`cat /proc/sys/${path}`)).trim();

/** Makes settings odd for a test, and puts them back. */
async function oddly(settings: Readonly<Record<string, string>>, test: () => Promise<void>): Promise<void> {
  const paths = Object.keys(settings);
  const before = await Promise.all(paths.map(read));
  const write = (values: readonly (string | undefined)[]) =>
    bench.run(paths.map((path, index) => `echo '${values[index]}' > /proc/sys/${path}`).join("\n"));
  await write(Object.values(settings));
  try {
    await test();
  } finally {
    await write(before);
  }
}

describe("a kernel setting", () => {
  it("is changed and put back", async () => {
    await roundTrip(bench, {
      operations: [sysctl("net.ipv4.tcp_syn_retries", 2)],
      evidence,
      meanwhile: async () => expect(await read("net/ipv4/tcp_syn_retries")).toBe("2"),
    });
  });

  it("of several words is compared by its words, and comes back to the byte", async () => {
    await roundTrip(bench, {
      operations: [sysctl("net.ipv4.tcp_rmem", "4096  8192 16384")],
      evidence,
      meanwhile: async () => expect(await read("net/ipv4/tcp_rmem")).toBe("4096\t8192\t16384"),
    });
  });

  it("of a device with a dot in its name is found", async () => {
    await bench.run("ip link add br.7 type bridge");
    try {
      await roundTrip(bench, { operations: [sysctl("net.ipv4.conf.br/7.rp_filter", 1)], evidence });
    } finally {
      await bench.run("ip link del br.7");
    }
  });

  it("brings back what the kernel changes along with it, odd as it was", async () => {
    await oddly(
      {
        "net/ipv4/ip_forward": "1",
        "net/ipv4/conf/all/accept_redirects": "1",
        "net/ipv4/conf/eth0/forwarding": "0",
        "net/ipv4/conf/default/forwarding": "0",
      },
      () => roundTrip(bench, { operations: [sysctl("net.ipv4.ip_forward", 0)], evidence }),
    );
  });

  it("that a person has set to something else is neither, so that the symptom decides", async () => {
    const prepared = await prepare(bench, sysctl("net.ipv4.tcp_syn_retries", 2));
    expectInEffect(prepared, await apply(bench, prepared));
    await bench.run("echo 4 > /proc/sys/net/ipv4/tcp_syn_retries");
    const [operation] = prepared.operations;
    const [now] = await look(bench, prepared);
    if (operation === undefined || now === undefined) throw new Error("not read");
    const { inEffect, restored } = kindOf(operation.spec);
    const held = { token: "", content: () => Buffer.alloc(0) };
    expect(inEffect(operation.spec, operation.before, now, held)).toBe(false);
    expect(restored(operation.spec, operation.before, now)).toBe(false);
    expectRestored(prepared, await restore(bench, prepared));
  });

  it("that somebody changed since the plan is not touched", async () => {
    const prepared = await prepare(bench, sysctl("net.ipv4.tcp_syn_retries", 2));
    await bench.run("echo 4 > /proc/sys/net/ipv4/tcp_syn_retries");
    try {
      expect((await apply(bench, prepared)).changes).toMatchObject([{ kind: "changed" }]);
      expect(await read("net/ipv4/tcp_syn_retries")).toBe("4");
    } finally {
      expectRestored(prepared, await restore(bench, prepared));
    }
  });

  it("of a device that vanishes is not there, neither undone nor broken", async () => {
    await bench.run("ip link add gone0 type dummy 2>/dev/null || ip link add gone0 type bridge");
    const prepared = await prepare(bench, sysctl("net.ipv4.conf.gone0.rp_filter", 1));
    expectInEffect(prepared, await apply(bench, prepared));
    await bench.run("ip link del gone0");
    const done = await restore(bench, prepared);
    expect(done.changes).toMatchObject([{ kind: "failed", message: expect.stringContaining("gone0") }]);
    expect(done.states).toMatchObject([{ values: { value: "absent" } }]);
  });

  it.each([
    ["net.ipv4.tcp_syn_retries", "9999", /does not take 9999/],
    ["net.ipv4.tcp_rmem", "4096 8192 many", /does not take|made/],
    ["net.ipv4.tcp_syn_retries", "0x3", /made 3 of 0x3/],
  ])(
    "%s that the kernel does not take as %s says so, and undo puts back what it made of it",
    async (name, value, why) => {
      const before = await bench.run(evidence);
      const prepared = await prepare(bench, sysctl(name, value));
      expect((await apply(bench, prepared)).changes).toMatchObject([
        { kind: "failed", message: expect.stringMatching(why) },
      ]);
      await undo(bench, prepared);
      expect(await bench.run(evidence)).toBe(before);
    },
  );
});

describe("it is refused", () => {
  it.each([
    ["net.ipv4.no_such_setting", "1", /no setting net\.ipv4\.no_such_setting/],
    ["net.ipv4.conf", "1", /no setting/],
    ["net.netfilter.nf_conntrack_buckets", "1", /read-only/],
    ["net.ipv4.route.flush", "1", /cannot be read/],
    ["net.ipv6.conf.all.disable_ipv6", "0", /could not be put back: .*addresses/],
    ["kernel.modules_disabled", "1", /could not be put back: .*one direction/],
  ])("%s=%s", async (name, value, why) => {
    expect(await refusal(bench, sysctl(name, value))).toMatch(why);
  });

  it("when it has the value already, however its words are spaced", async () => {
    const value = (await read("net/ipv4/tcp_rmem")).replaceAll("\t", "  ");
    expect(await refusal(bench, sysctl("net.ipv4.tcp_rmem", value))).toMatch(/already/);
  });
});

describe("its name", () => {
  const { schema, owns, reach } = kindOf(sysctl("net.ipv4.ip_forward", 0));

  it.each([
    "net.ipv4.ip_forward",
    "net.ipv4.conf.eth0/100.rp_filter",
    "net.ipv4.conf.br-12ab.rp_filter",
    "vm.min_free_kbytes",
  ])("may be %s", async (name) => {
    expect((await validator())(schema, sysctl(name, 1))).toEqual([]);
  });

  it.each([
    "swappiness",
    "net..ipv4",
    "net.//.ipv4",
    "net./etc.x",
    "../etc/x",
    "net.ipv4.x y",
    "/proc/sys/vm/x",
  ])("may not be %s", async (name) => {
    expect((await validator())(schema, sysctl(name, 1))).not.toEqual([]);
  });

  it.each([
    ["net.ipv4.ip_forward", "node"],
    ["net.ipv4.conf.eth0.rp_filter", "node"],
    ["net.netfilter.nf_conntrack_tcp_timeout_established", "node"],
    ["net.netfilter.nf_conntrack_max", "kernel"],
    ["net.nf_conntrack_max", "kernel"],
    ["net.ipv4.tcp_mem", "kernel"],
    ["vm.swappiness", "kernel"],
    ["kernel.pid_max", "kernel"],
  ])("%s reaches the %s", (name, expected) => {
    expect(reach(sysctl(name, 1))).toBe(expected);
  });

  it.each([
    ["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"],
    ["net.netfilter.nf_conntrack_max", "net.nf_conntrack_max"],
    ["vm.dirty_ratio", "vm.dirty_bytes"],
  ])("%s and %s are one thing", (one, other) => {
    expect(owns(sysctl(one, 1))).toEqual(owns(sysctl(other, 1)));
  });
});
