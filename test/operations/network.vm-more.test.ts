import { expect, it } from "vitest";
import { firewallRule, sysctl } from "../../src/operations/constructors.ts";
import { benchOn, refusal, roundTrip } from "../support/operations.ts";

const bench = benchOn("cp1", { provider: "vm", nodes: "1" });

const settings = "cd /proc/sys && grep -s . vm/dirty_* vm/overcommit_*";

it("settings of which one takes the other's place come back, whichever was in force", async () => {
  await roundTrip(bench, {
    operations: [sysctl("vm.dirty_bytes", 81920), sysctl("vm.overcommit_kbytes", 4000)],
    evidence: settings,
  });
  await bench.run("echo 90112 > /proc/sys/vm/dirty_bytes");
  try {
    await roundTrip(bench, { operations: [sysctl("vm.dirty_ratio", 7)], evidence: settings });
  } finally {
    await bench.run("echo 20 > /proc/sys/vm/dirty_ratio");
  }
});

const modules = "cut -d' ' -f1 /proc/modules | sort";
const rule = (port: number) => [
  "-p",
  "tcp",
  "-m",
  "multiport",
  "--ports",
  String(port),
  "-j",
  "CT",
  "--notrack",
];

it("a rule takes its modules with it, and plan loads none; a rule of somebody else's keeps those that it needs", async () => {
  const before = await bench.run(modules);
  expect(await refusal(bench, firewallRule(rule(7001), { table: "raw", chain: "OUTPUT" }))).toBeUndefined();
  expect(await bench.run(modules)).toBe(before);
  await roundTrip(bench, {
    operations: ["PREROUTING", "OUTPUT"].map((chain) => firewallRule(rule(7001), { table: "raw", chain })),
    evidence: modules,
  });
  await bench.run("nft add table ip somebody");
  try {
    await roundTrip(bench, {
      operations: [firewallRule(rule(7001), { table: "raw", chain: "OUTPUT" })],
      evidence: modules,
    });
    expect(await bench.run("nft list tables")).toContain("somebody");
  } finally {
    await bench.run("nft delete table ip somebody; rmmod nf_tables || :");
  }
  expect(await bench.run(modules)).toBe(before);
});

it("a rule of the legacy set takes its table's module with it, except while another network namespace has rules there", async () => {
  const before = await bench.run(modules);
  const links = ["iptables", "ip6tables"];
  const link = (set: string) =>
    bench.run(links.map((name) => `ln -sfn /usr/sbin/${name}-${set} /etc/alternatives/${name}`).join("\n"));
  const times = await bench.run("cd /etc/alternatives && stat -c %y . iptables ip6tables");
  const operations = [firewallRule(rule(7001), { table: "raw", chain: "OUTPUT" })];
  await link("legacy");
  try {
    await roundTrip(bench, { operations, evidence: modules });
    await bench.run("ip netns add pod; ip netns exec pod iptables-legacy -t raw -A OUTPUT -p tcp -j ACCEPT");
    await roundTrip(bench, { operations, evidence: "ip netns exec pod iptables-legacy -t raw -S" });
    expect(await bench.run(modules)).toContain("iptable_raw");
  } finally {
    await bench.run("ip netns del pod || :; for name in iptable_raw xt_tcpudp; do rmmod $name || :; done");
    await link("nft");
    const [folder, ...each] = times.trim().split("\n");
    await bench.run(
      [
        ...links.map((name, index) => `touch -h -d '${each[index]}' /etc/alternatives/${name}`),
        `touch -d '${folder}' /etc/alternatives`,
      ].join("\n"),
    );
  }
  expect(await bench.run(modules)).toBe(before);
});
