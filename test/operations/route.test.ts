import { expect, it } from "vitest";
import { route } from "../../src/operations/constructors.ts";
import { benchOn, everyDeath, refusal, roundTrip } from "../support/operations.ts";

const bench = benchOn("w1");

const evidence = "ip -4 route show table all; ip -6 route show table all";
const ask = (address: string) => bench.run(`ip route get ${address} 2>&1 || :`);

it.each([
  ["unreachable", "192.0.2.7", "192.0.2.7", /No route to host/],
  ["blackhole", "192.0.2.0/24", "192.0.2.7", /Invalid argument/],
  ["prohibit", "192.0.2.7", "192.0.2.7", /Permission denied/],
  ["unreachable", "2001:db8::/32", "2001:db8::7", /unreachable|No route to host/],
] as const)("%s %s leads nowhere, and goes again", async (type, destination, address, answer) => {
  await roundTrip(bench, {
    operations: [route(type, destination)],
    evidence,
    meanwhile: async () => expect(await ask(address)).toMatch(answer),
  });
});

it("is put back from wherever it was killed", async () => {
  expect(
    await everyDeath(bench, { operations: [route("unreachable", "192.0.2.7")], evidence }),
  ).toBeGreaterThan(2);
});

it("is refused where somebody's leads to the same, and where it would cut the way in", async () => {
  await bench.run("ip route add unreachable 192.0.2.7");
  try {
    expect(await refusal(bench, route("blackhole", "192.0.2.7"))).toMatch(/already/);
    expect(await refusal(bench, route("unreachable", "192.0.2.7/32"))).toMatch(/already/);
  } finally {
    await bench.run("ip route del unreachable 192.0.2.7");
  }
  const peer = (await bench.run(`echo "\${SSH_CONNECTION%% *}"`)).trim();
  const gateway = (await bench.run("ip route show default | sed 's/.* via \\([^ ]*\\).*/\\1/'")).trim();
  expect(await refusal(bench, route("unreachable", peer))).toMatch(/the way/);
  expect(await refusal(bench, route("blackhole", "0.0.0.0/0"))).toMatch(/the way/);
  expect(await refusal(bench, route("unreachable", gateway))).toMatch(/the way/);
  expect(await refusal(bench, route("unreachable", "192.0.2.8"))).toBeUndefined();
});
