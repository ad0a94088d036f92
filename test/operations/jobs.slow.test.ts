import { expect, it } from "vitest";
import { at, cron } from "../../src/operations/constructors.ts";
import { benchOn, everyDeath } from "../support/operations.ts";

const bench = benchOn("w1");

const evidence =
  "find /etc/cron.d -printf '%p %m %T+\\n' | sort; atq | cut -f2- | sort; ls -A /var/spool/cron/atjobs /var/spool/cron/atspool";

it.each([
  ["a line for cron", cron("refresh", "/bin/true", "0 5 1 1 *")],
  ["a job for at", at("true", 60)],
] as const)("%s, killed anywhere, leaves nothing behind", async (_, operation) => {
  expect(await everyDeath(bench, { operations: [operation], evidence })).toBeGreaterThan(0);
});
