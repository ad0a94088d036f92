import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { link } from "../../src/operations/constructors.ts";
import { kindOf } from "../../src/operations/index.ts";
import {
  apply,
  benchOn,
  expectInEffect,
  expectRestored,
  prepare,
  refusal,
  restore,
  roundTrip,
} from "../support/operations.ts";

const bench = benchOn("w1");
const held = { token: "", content: () => Buffer.alloc(0) };

/** A device of the test's own, with IPv6, whose other end is `lk1`. */
const device = "lk0";

const remove = () => bench.run(`[ ! -e /sys/class/net/${device} ] || ip link del ${device}`);

beforeEach(async () => {
  await remove();
  await bench.run(`
    ip link add ${device} type veth peer name lk1
    echo 1 > /proc/sys/net/ipv6/conf/lk1/disable_ipv6
    echo 0 > /proc/sys/net/ipv6/conf/${device}/accept_dad
    echo 0 > /proc/sys/net/ipv6/conf/${device}/disable_ipv6
    ip link set lk1 up
    ip link set ${device} up
    ip -6 address add fd00:7::1/64 dev ${device} nodad
    ip address add 192.0.2.1/24 dev ${device}
    ip route add 198.51.100.0/24 via 192.0.2.2 dev ${device} mtu 1400 advmss 1300`);
});

afterAll(async () => {
  await remove();
});

const evidence = () =>
  bench.run(
    `ip -d link; ip address | grep -v valid_lft; ip route show table all; ip -6 route show table all; grep -rHs . /proc/sys/net/ipv6/conf/${device} || :`,
  );
const mtu = async () => (await bench.run(`cat /sys/class/net/${device}/mtu`)).trim();

it("a device that is set down comes up with its routes, and is refused when it has IPv6 addresses", async () => {
  expect(await refusal(bench, link(device, { state: "down" }))).toBe(
    `${device} would lose what could not be put back: IPv6 addresses`,
  );
  await bench.run(`ip -6 address flush dev ${device} scope global`);
  await roundTrip(bench, {
    operations: [link(device, { state: "down" })],
    evidence: () =>
      bench.run(`ip -o link show ${device} | cut -d' ' -f2-5; ip -4 route show table all dev ${device}`),
    meanwhile: async () => expect(await bench.run(`ip -4 route show dev ${device}`)).toBe(""),
  });
  await expect(refusal(bench, link(device, { state: "down" }))).resolves.toBeUndefined();
});

describe("an MTU", () => {
  it("is changed and put back, with addresses, routes and IPv6", async () => {
    await roundTrip(bench, {
      operations: [link(device, { mtu: 1300 })],
      evidence,
      meanwhile: async () => expect(await mtu()).toBe("1300"),
    });
  });

  it("that IPv6 had of its own comes back", async () => {
    await bench.run(`echo 1350 > /proc/sys/net/ipv6/conf/${device}/mtu`);
    await roundTrip(bench, { operations: [link(device, { mtu: 1300 })], evidence });
  });

  it("that a person has set to something else is neither before nor after, and comes back", async () => {
    const prepared = await prepare(bench, link(device, { mtu: 1300 }));
    expectInEffect(prepared, await apply(bench, prepared));
    await bench.run(`ip link set ${device} mtu 1499`);
    const done = await restore(bench, prepared);
    expectRestored(prepared, done);
    expect(await mtu()).toBe("1500");
  });

  it("of a device that vanishes is not there, neither undone nor broken", async () => {
    const prepared = await prepare(bench, link(device, { mtu: 1300 }));
    expectInEffect(prepared, await apply(bench, prepared));
    await remove();
    const done = await restore(bench, prepared);
    expect(done.changes).toMatchObject([{ kind: "failed", message: expect.stringContaining(device) }]);
    expect(done.states).toMatchObject([{ values: { device: "absent" } }]);
  });

  it("that somebody changed since the plan is not touched", async () => {
    const prepared = await prepare(bench, link(device, { mtu: 1300 }));
    await bench.run(`ip link set ${device} mtu 1499`);
    expect((await apply(bench, prepared)).changes).toMatchObject([{ kind: "changed" }]);
    expect(await mtu()).toBe("1499");
  });
});

describe("it is refused", () => {
  it.each([
    ["on a device that is not there", "", "nosuch0", 1300, /no network device nosuch0/],
    ["when the MTU is that already", "", device, 1500, /already/],
    ["below what IPv6 needs, where there is IPv6", "", device, 1279, /remove all IPv6/],
    ["on a bridge", "ip link add br7 type bridge", "br7", 1300, /br7 is a bridge/],
    [
      "on a port of a bridge",
      `ip link add br7 type bridge; ip link set ${device} master br7`,
      device,
      1300,
      /port of the bridge br7/,
    ],
    [
      "with IPv6 routes that have an MTU of their own",
      `ip -6 route add fd00:8::/64 via fd00:7::2 dev ${device} mtu 1400`,
      device,
      1300,
      /IPv6 routes/,
    ],
    [
      "with a device on top of it",
      `ip link add link ${device} name top0 type macvlan`,
      device,
      1300,
      /on top of lk0, too: top0$/,
    ],
    [
      "with a pod's device on top of it",
      `ip netns add pod; ip link add link ${device} name top0 netns pod type macvlan`,
      device,
      1300,
      /on top of lk0, too: top0$/,
    ],
  ])("%s", async (_name, preparation, on, wanted, why) => {
    await bench.run(preparation);
    try {
      expect(await refusal(bench, link(on, { mtu: wanted }))).toMatch(why);
    } finally {
      await bench.run("ip link del br7 2>/dev/null || :; ip netns del pod 2>/dev/null || :");
    }
  });

  it("beyond what the device can", () => {
    const kind = kindOf(link(device, { mtu: 9001 }));
    const before = {
      values: { device: "present", mtu: "1500", mtu6: "absent" },
      notes: { limits: "68 9000", routes6: "0", type: "", bridge: "", followers: "" },
    };
    const refused = (wanted: number) => kind.refusal(link(device, { mtu: wanted }), before, held);
    expect(refused(9000)).toBeUndefined();
    expect(refused(9001)).toMatch(/takes an MTU from 68 to 9000/);
  });

  it("not for an overlay's device on top of it, whose MTU is its own", async () => {
    await bench.run(`ip link add vx0 type vxlan id 7 dev ${device} dstport 8472`);
    try {
      await roundTrip(bench, { operations: [link(device, { mtu: 1300 })], evidence });
    } finally {
      await bench.run("ip link del vx0");
    }
  });
});
