import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { editFile, linkFile, removeFile, unit, writeFile } from "../../src/operations/constructors.ts";
import type { AnyOperation } from "../../src/operations/index.ts";
import { type TestLab, useLab } from "../support/lab.ts";
import {
  apply,
  type Bench,
  everyDeath,
  expectRestored,
  openBench,
  prepare,
  refusal,
  restore,
  roundTrip,
  undo,
} from "../support/operations.ts";

let lab: TestLab;
let bench: Bench;

const system = "/etc/systemd/system";
const service = (start: string, more = "") => `[Service]\nExecStart=${start}\n${more}\n`;

/** Units to play with, and a service that remembers which configuration it has read. */
const toys: Record<string, string> = {
  "toy.service": `[Unit]\nWants=\n${service("/bin/sleep infinity")}[Install]\nWantedBy=multi-user.target\nAlias=plaything.service\n`,
  "lonely.service": `${service("/bin/sleep infinity")}[Install]\nWantedBy=odd.target\n`,
  "back\\x2dslash.service": `${service("/bin/sleep infinity")}[Install]\nWantedBy=multi-user.target\n`,
  "broken.service": service("/bin/false"),
  "rude.service": service("/bin/sh -c 'trap \"exit 3\" TERM; sleep infinity & wait'"),
  "needy.service": `[Unit]\nRequires=toy.service\nAfter=toy.service\n${service("/bin/sleep infinity")}`,
  "needier.service": `[Unit]\nBindsTo=needy.service\nAfter=needy.service\n${service("/bin/sleep infinity")}`,
  // It has read before it counts as started: systemctl waits for that.
  "reader.service": service(
    "/bin/sleep infinity",
    "ExecStartPre=/bin/sh -c 'cat /etc/reader.conf /etc/reader.more >/run/reader.has 2>/dev/null || :'",
  ),
};

beforeAll(async () => {
  lab = await useLab({ nodes: "1+0", fresh: true });
  bench = await openBench(lab.node("cp1"));
  for (const [name, text] of Object.entries(toys)) {
    await bench.run(`printf %s '${text.replaceAll("'", "'\\''")}' > '/usr/lib/systemd/system/${name}'`);
  }
  await bench.run(`
    echo one > /etc/reader.conf; echo more > /etc/reader.more
    systemctl daemon-reload
    systemctl -q enable toy.service lonely.service 'back\\x2dslash.service'
    touch -d '2020-02-03 04:05:06.123456789' ${system}/odd.target.wants
    systemctl start toy.service needier.service reader.service
    systemctl start broken.service
    until systemctl is-failed -q broken.service; do sleep 0.05; done`);
});

afterAll(async () => {
  await bench?.close();
  await lab?.down();
});

const evidence = String.raw`
find /etc/systemd/system ! -type d -printf '%p %y %m %U:%G %T+ %l\n' | LC_ALL=C sort
find /etc/systemd/system -type d -printf '%p %y %m %U:%G %T+\n' | LC_ALL=C sort
find /etc -maxdepth 1 -name '*reader*' -printf '%p %m %T+\n' | sort
cat /run/reader.has
for unit in toy.service plaything.service lonely.service 'back\x2dslash.service' broken.service rude.service needy.service needier.service reader.service cron.service; do
  echo "$unit $(systemctl is-active -- "$unit" || :) $(systemctl is-enabled -- "$unit" 2>&1 || :)"
done
systemctl show -p NeedDaemonReload --value toy.service reader.service`;

describe("a unit comes back", () => {
  it.each<[string, AnyOperation]>([
    ["stopped", unit("cron.service", { active: false })],
    ["stopped, and those that need it", unit("toy.service", { active: false })],
    ["stopped and masked", unit("cron.service", { active: false, enabled: "masked" })],
    ["disabled, with its alias", unit("toy.service", { enabled: "disabled" })],
    ["disabled and stopped", unit("toy.service", { enabled: "disabled", active: false })],
    ["disabled, the last of its folder", unit("lonely.service", { enabled: "disabled" })],
    ["with a backslash in its name", unit("back\\x2dslash.service", { enabled: "disabled" })],
    ["masked", unit("toy.service", { enabled: "masked" })],
    ["started", unit("lonely.service", { active: true })],
    ["started, which ends by an error when it is stopped", unit("rude.service", { active: true })],
    ["started, masked", unit("lonely.service", { active: true, enabled: "disabled" })],
  ])("%s", async (_, operation) => {
    await roundTrip(bench, { operations: [operation], evidence });
  });

  it("enabled", async () => {
    await bench.run("systemctl -q disable toy.service");
    await roundTrip(bench, { operations: [unit("toy.service", { enabled: "enabled" })], evidence });
    await bench.run("systemctl -q enable toy.service");
  });

  it("that an earlier operation makes", async () => {
    const file = `${system}/fresh.service`;
    await roundTrip(bench, {
      operations: [
        writeFile(file, service("/bin/sleep infinity"), { reload: "fresh.service" }),
        linkFile(`${system}/multi-user.target.wants/fresh.service`, file, { reload: "fresh.service" }),
        unit("fresh.service", { active: true }),
      ],
      evidence,
      meanwhile: async () =>
        expect(await bench.run("systemctl is-active fresh.service; systemctl is-enabled fresh.service")).toBe(
          "active\nenabled\n",
        ),
    });
    expect(await bench.run("systemctl show -p LoadState --value fresh.service")).toBe("not-found\n");
  });

  it("failed, when a start that fails has been undone", async () => {
    const before = await bench.run(evidence);
    const prepared = await prepare(bench, unit("broken.service", { active: true }));
    await apply(bench, prepared);
    await undo(bench, prepared);
    await bench.run("until systemctl is-failed -q broken.service; do sleep 0.05; done");
    expect(await bench.run(evidence)).toBe(before);
  });

  it.each<[string, AnyOperation]>([
    ["stopped and disabled", unit("toy.service", { enabled: "disabled", active: false })],
    ["masked", unit("toy.service", { enabled: "masked" })],
    ["started", unit("lonely.service", { active: true })],
  ])(
    "when its script was killed anywhere: %s",
    async (_, operation) => {
      expect(await everyDeath(bench, { operations: [operation], evidence })).toBeGreaterThan(3);
    },
    300_000,
  );
});

describe("it is refused", () => {
  it.each<[string, AnyOperation, RegExp]>([
    ["to stop what is not there", unit("none.service", { active: false }), /no unit none.service/],
    ["to start what runs", unit("toy.service", { active: true }), /up already/],
    ["to stop what does not run", unit("lonely.service", { active: false }), /down already/],
    ["to enable what is enabled", unit("toy.service", { enabled: "enabled" }), /already/],
    ["to disable what is not there", unit("none.service", { enabled: "disabled" }), /already/],
    [
      "to mask what has its file where the mask would go",
      unit("local.service", { enabled: "masked" }),
      /mask/,
    ],
  ])("%s", async (_, operation, reason) => {
    await bench.run(
      `printf '[Service]\\nExecStart=/bin/true\\n' > ${system}/local.service; systemctl daemon-reload`,
    );
    try {
      expect(await refusal(bench, operation)).toMatch(reason);
    } finally {
      await bench.run(`rm ${system}/local.service; systemctl daemon-reload`);
    }
  });

  it("to change a file that its unit has not read yet", async () => {
    await bench.run("touch /etc/reader.conf");
    const edit = editFile("/etc/reader.conf", [{ find: "one", with: "two" }], { restart: "reader.service" });
    expect(await refusal(bench, edit)).toMatch(/not restarted since/);
    await bench.run("systemctl restart reader.service");
    expect(await refusal(bench, edit)).toBeUndefined();
  });

  it("to change a unit's file that systemd has not read yet", async () => {
    const file = "/usr/lib/systemd/system/reader.service";
    await bench.run(`touch ${file}`);
    const edit = editFile(file, [{ find: "[Service]", with: "[Service]\nNice=1" }], {
      reload: "reader.service",
    });
    expect(await refusal(bench, edit)).toMatch(/not read/);
    await bench.run("systemctl daemon-reload");
    expect(await refusal(bench, edit)).toBeUndefined();
  });
});

describe("a unit that reads a file when it starts has read what is there", () => {
  const restart = "reader.service";
  const changes: readonly [string, AnyOperation, string][] = [
    ["edited", editFile("/etc/reader.conf", [{ find: "one", with: "two" }], { restart }), "two\nmore\n"],
    ["removed", removeFile("/etc/reader.more", { restart }), "one\n"],
  ];
  for (const [name, operation, has] of changes) {
    it(`${name}, and back`, async () => {
      await roundTrip(bench, {
        operations: [operation],
        evidence,
        meanwhile: async () => expect(await bench.run("cat /run/reader.has")).toBe(has),
      });
    });
    it(`${name}, killed anywhere`, async () => {
      expect(await everyDeath(bench, { operations: [operation], evidence })).toBeGreaterThan(5);
    }, 300_000);
  }

  it("made, and back", async () => {
    await bench.run("rm /etc/reader.more; systemctl restart reader.service");
    const operations = [writeFile("/etc/reader.more", "new\n", { restart })];
    await roundTrip(bench, { operations, evidence });
    await everyDeath(bench, { operations, evidence });
    await bench.run("echo more > /etc/reader.more; systemctl restart reader.service");
  }, 300_000);

  it("a unit that does not run is not started; one that was started meanwhile is started again", async () => {
    await bench.run("systemctl stop reader.service; rm /run/reader.has");
    const prepared = await prepare(bench, changes[0]?.[1] as AnyOperation);
    await apply(bench, prepared);
    expect(await bench.run("systemctl is-active reader.service || :")).toBe("inactive\n");
    await bench.run("systemctl start reader.service; grep -q two /run/reader.has");
    expectRestored(prepared, await restore(bench, prepared));
    await bench.run("grep -q one /run/reader.has");
  });
});
