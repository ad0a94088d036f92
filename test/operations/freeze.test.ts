import { expect, it } from "vitest";
import { freeze } from "../../src/operations/constructors.ts";
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

const evidence = `systemctl show -p ActiveState -p FreezerState -p MainPID cron.service
cat /sys/fs/cgroup/system.slice/cron.service/cgroup.events`;

it("holds every process of a unit, and lets them go again", async () => {
  await roundTrip(bench, {
    operations: [freeze("cron.service")],
    evidence,
    meanwhile: async () => {
      expect(await bench.run(evidence)).toMatch(/FreezerState=frozen[\s\S]*frozen 1/);
      expect(await bench.run("systemctl is-active cron.service")).toBe("active\n");
    },
  });
});

it("is put back from wherever it was killed", async () => {
  expect(await everyDeath(bench, { operations: [freeze("cron.service")], evidence })).toBeGreaterThan(2);
});

it("that a person has thawed is as it was", async () => {
  const prepared = await prepare(bench, freeze("cron.service"));
  expectInEffect(prepared, await apply(bench, prepared));
  await bench.run("systemctl thaw cron.service");
  expectRestored(prepared, await restore(bench, prepared));
});

it.each([
  ["ssh.service", /holds the login/],
  ["system.slice", /holds the login/],
  ["no-such.service", /does not run/],
])("%s is refused", async (unit, why) => {
  expect(await refusal(bench, freeze(unit))).toMatch(why);
});
