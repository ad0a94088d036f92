import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RolledBackError } from "../src/errors.ts";
import type { Fingerprint } from "../src/fingerprint/types.ts";
import { connect } from "../src/transport/connect.ts";
import type { Connect, Connection } from "../src/transport/transport.ts";
import { type ApplyWish, type Bench, changesSince, look, on, useBench } from "./support/bench.ts";
import type { TestNode } from "./support/lab.ts";

let bench: Bench;
let node: TestNode;
let before: Fingerprint;

beforeAll(async () => {
  bench = await useBench({ nodes: "1+0", fresh: true });
  node = bench.lab.node("cp1");
  before = await look(node);
});
afterEach(() => bench?.undoAll());
afterAll(() => bench?.end());

const SECONDS = 6;

const step = (operations: string) =>
  bench.playbook(`
name: cut
steps:
  - operations: [{ kind: file, path: /etc/harmless.conf, content: hello }]
    targets: cp1
  - operations: ${operations}
    targets: cp1
`);

/** Applies operations that cut the way, and expects that the node is as before by itself. */
async function expectRolledBack(
  operations: string,
  { tidy = ":", ...wish }: ApplyWish & { readonly tidy?: string } = {},
): Promise<void> {
  const { result } = await bench.attempt(await step(operations), {
    ...wish,
    options: { confirm: SECONDS },
  });
  expect(result.targets).toMatchObject([{ error: expect.any(RolledBackError), undone: { complete: true } }]);
  expect((await bench.status(result.run)).status).toBe("rolled back");
  await on(node, tidy);
  expect(await changesSince(node, before)).toEqual([]);
}

/** Connections whose scripts are followed by something, before their outcome is told. */
const followed =
  (then: (script: string) => Promise<void>): Connect =>
  async (access, options): Promise<Connection> => {
    const connection = await connect(access, options);
    return {
      ...connection,
      async run(script, how) {
        const outcome = await connection.run(script, how);
        await then(script);
        return outcome;
      },
    };
  };

/** In every script that arms a switch. */
const arming = "begin 0 arm";

const rootsShell =
  "[{ kind: file, path: /etc/passwd, replace: [{ find: 'root:/root:/bin/bash', with: 'root:/root:/usr/sbin/nologin' }] }]";

describe("is put back by the node itself:", () => {
  it("a firewall that drops ssh", () =>
    expectRolledBack("[{ kind: firewall-rule, chain: INPUT, rule: [-p, tcp, --dport, '22', -j, DROP] }]"));

  it("a queue that lets nothing pass", () =>
    expectRolledBack("[{ kind: qdisc, device: eth0, discipline: [bfifo, limit, '1'] }]"));

  it("the network device set down", () => expectRolledBack("[{ kind: link, device: eth0, state: down }]"));

  it("sshd stopped, with all that is in its control group", async () => {
    const folder = "/run/systemd/system/ssh.service.d";
    await on(
      node,
      `mkdir ${folder}; printf '[Service]\nKillMode=control-group\n' >${folder}/k.conf; systemctl daemon-reload`,
    );
    const tidy = `rm -rf ${folder}; systemctl daemon-reload`;
    try {
      await expectRolledBack("[{ kind: unit, unit: ssh.service, active: false }]", { tidy });
    } finally {
      await on(node, tidy);
    }
  });

  it("MaxStartups 1:100:1 with a connection that is held", () =>
    expectRolledBack(`
      - { kind: file, path: /etc/ssh/sshd_config.d/zz.conf, content: "MaxStartups 1:100:1\\n", restart: ssh.service }
      - { kind: process, command: [nc, 127.0.0.1, "22"] }`));

  it("root's login shell replaced", () => expectRolledBack(rootsShell));

  it("a preloaded library that keeps every program from starting", async () => {
    const library = (await on(node, "find /usr/lib -path '*/perl-base/auto/POSIX/POSIX.so'")).trim();
    await expectRolledBack(`[{ kind: file, path: /etc/ld.so.preload, content: "${library}\\n" }]`);
  });

  it("what outlives a power cut before the confirmation", async () => {
    let cut = false;
    await expectRolledBack(rootsShell, {
      connect: followed(async (script) => {
        if (cut || !script.includes(arming)) return;
        cut = true;
        await node.powerCut();
        await node.start();
      }),
    });
    expect(cut).toBe(true);
  });
});

/** Prints what there is of a switch. */
const traces = `find /etc/systemd/system -name 'run-r*'
systemctl list-units --all --no-legend 'run-r*'
grep -lszE 'INVOCATION_ID=[0-9a-f]{32}' /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
  grep -q '/init.scope$' /proc/$pid/cgroup && cat /proc/$pid/comm
done || :`;

const harmless = `
      - { kind: firewall-rule, chain: INPUT, rule: [-p, tcp, --dport, '9', -j, DROP] }
      - { kind: file, path: /etc/ssh/sshd_config.d/00.conf, content: "# note\\n" }`;

it("is gone when it has been cancelled: while the break is in effect, and after", async () => {
  const patient = 20;
  let armed = "";
  const run = await bench.apply(await step(harmless), {
    options: { confirm: patient },
    connect: followed(async (script) => {
      if (script.includes(arming)) armed = await on(node, traces);
    }),
  });
  expect(armed).toMatch(/run-r[0-9a-f]{32}\.service/);
  expect(armed).toMatch(/^sleep$/m);
  expect(await on(node, traces)).toBe("");
  const seen = await changesSince(node, before);
  expect(
    seen.map(({ key }) => key).filter((key) => !/harmless|sshd_config\.d|^\/etc$|filter/.test(key)),
  ).toEqual([]);
  await sleep((patient + 1) * 1000);
  expect((await bench.status(run)).steps.map(({ state }) => state)).toEqual(["in effect", "in effect"]);
  await bench.undo(run);
  expect(await changesSince(node, before)).toEqual([]);
});

it("is cancelled by the first script of an undo, when kbreak ended before it could confirm", async () => {
  let connections = 0;
  const once: Connect = async (access, options) => {
    connections += 1;
    if (connections > 1) throw new Error("the power of this laptop is gone");
    return connect(access, options);
  };
  const { result } = await bench.attempt(await step(harmless), { connect: once, options: { confirm: 60 } });
  expect(result.targets).toMatchObject([{ undone: { complete: false } }]);
  expect(await on(node, traces)).toMatch(/^sleep$/m);
  expect(await bench.undo(result.run)).toMatchObject({ complete: true });
  expect(await on(node, traces)).toBe("");
  expect(await changesSince(node, before)).toEqual([]);
});
