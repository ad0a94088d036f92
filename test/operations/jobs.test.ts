import { describe, expect, it } from "vitest";
import { at, cron } from "../../src/operations/constructors.ts";
import {
  apply,
  benchOn,
  expectRestored,
  prepare,
  refusal,
  restore,
  roundTrip,
} from "../support/operations.ts";

const bench = benchOn("w1");

describe("a line for cron", () => {
  const operations = [cron("refresh", "/bin/sleep 86391")];
  const evidence = "find /etc/cron.d -printf '%p %m %T+\\n' | sort; pgrep -fc '^/bin/sleep 86391$' || :";

  it("is there, as cron wants it, and is gone without a trace", async () => {
    await roundTrip(bench, {
      operations,
      evidence,
      meanwhile: async () =>
        expect(await bench.run("stat -c '%a %U' /etc/cron.d/refresh; cat /etc/cron.d/refresh")).toMatch(
          /^644 root\nINVOCATION_ID=\w+\n\* \* \* \* \* root \/bin\/sleep 86391\n$/,
        ),
    });
  });

  it("what cron had begun is ended with it", async () => {
    const prepared = await prepare(bench, ...operations);
    await apply(bench, prepared);
    await bench.run(
      `env $(head -n 1 /etc/cron.d/refresh) setsid /bin/sleep 86391 >/dev/null 2>&1 </dev/null &
      until [ "$(pgrep -fc '^/bin/sleep 86391$')" = 1 ]; do sleep 0.1; done`,
    );
    expectRestored(prepared, await restore(bench, prepared));
    expect(await bench.run("pgrep -fc '^/bin/sleep 86391$' || :")).toBe("0\n");
  });

  it("is refused where cron does not run", async () => {
    await bench.run("systemctl stop cron");
    try {
      expect(await refusal(bench, ...operations)).toBe("cron does not run here");
    } finally {
      await bench.run("systemctl start cron");
    }
  });
});

describe("a job for at", () => {
  const operations = [at("sleep 86392", 60)];
  const evidence = "atq | cut -f2- | sort; ls -A /var/spool/cron/atjobs /var/spool/cron/atspool";

  it("is queued and is taken back; others' jobs stay", async () => {
    await bench.run("echo true | at now + 2 hours");
    await roundTrip(bench, {
      operations,
      evidence,
      meanwhile: async () => {
        expect(Number(await bench.run("atq | wc -l"))).toBe(2);
        expect(await bench.run("at -c $(atq | sort -n | tail -n 1 | cut -f1)")).toContain("sleep 86392");
      },
    });
    await bench.run("atrm $(atq | cut -f1)");
  });

  it("what the job has queued itself goes with it, and one that runs is ended", async () => {
    const prepared = await prepare(bench, ...operations);
    await apply(bench, prepared);
    // As atd does: with the job's environment, which at(1) writes into the next one.
    await bench.run(`at -c $(atq | cut -f1) | grep '^INVOCATION_ID' > /run/job
      (. /run/job; echo true | at now + 3 hours; setsid sleep 86392 >/dev/null 2>&1 </dev/null &)
      rm /run/job
      until [ "$(pgrep -fc '^sleep 86392$')" = 1 ]; do sleep 0.1; done`);
    expect(Number(await bench.run("atq | wc -l"))).toBe(2);
    expectRestored(prepared, await restore(bench, prepared));
    expect(await bench.run("atq; pgrep -fc '^sleep 86392$' || :")).toBe("0\n");
  });

  it("is refused where atd does not run", async () => {
    await bench.run("systemctl stop atd");
    try {
      expect(await refusal(bench, ...operations)).toBe("atd does not run here");
    } finally {
      await bench.run("systemctl start atd");
    }
  });
});
