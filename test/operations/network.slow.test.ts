import { expect, it } from "vitest";
import { firewallRule, link, sysctl } from "../../src/operations/constructors.ts";
import { benchOn, everyDeath } from "../support/operations.ts";

const bench = benchOn("w1");

it("a kernel setting, killed anywhere, is as it was, and so is what the kernel changes along with it", async () => {
  const redirects = "/proc/sys/net/ipv4/conf/all/accept_redirects";
  const before = (await bench.run(`cat ${redirects}; echo 1 > ${redirects}`)).trim();
  try {
    const deaths = await everyDeath(bench, {
      operations: [sysctl("net.ipv4.ip_forward", 0), sysctl("net.ipv4.tcp_rmem", "4096 8192 16384")],
      evidence: "grep -rHs . /proc/sys/net/ipv4 | sort",
    });
    expect(deaths).toBeGreaterThan(10);
  } finally {
    await bench.run(`echo ${before} > ${redirects}`);
  }
}, 400_000);

it("an MTU, killed anywhere, is as it was, and so is that of IPv6", async () => {
  await bench.run(`
    ip link add lk0 type veth peer name lk1
    ip link set lk0 up
    echo 1350 > /proc/sys/net/ipv6/conf/lk0/mtu`);
  try {
    const deaths = await everyDeath(bench, {
      operations: [link("lk0", { mtu: 1300 })],
      evidence: "ip -d link; grep -rHs . /proc/sys/net/ipv6/conf/lk0 || :",
    });
    expect(deaths).toBeGreaterThan(2);
  } finally {
    await bench.run("ip link del lk0");
  }
});

it("rules of the firewall, killed anywhere, are gone with the table that came with them", async () => {
  const rule = ["-p", "tcp", "--dport", "7001", "-j", "CT", "--notrack"];
  const deaths = await everyDeath(bench, {
    operations: ["PREROUTING", "OUTPUT"].map((chain) => firewallRule(rule, { table: "raw", chain })),
    evidence: "nft -s list ruleset",
  });
  expect(deaths).toBeGreaterThan(10);
}, 400_000);
