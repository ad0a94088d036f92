import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { UnknownOutcomeError } from "../../src/engine/script.ts";
import { editFile, etcdFill } from "../../src/operations/constructors.ts";
import { lines, trusted } from "../../src/shell.ts";
import { type TestLab, useLab } from "../support/lab.ts";
import {
  apply,
  applying,
  type Bench,
  expectInEffect,
  expectRestored,
  look,
  openBench,
  prepare,
  refusal,
  restore,
  restoring,
  roundTrip,
  undo,
} from "../support/operations.ts";

let lab: TestLab;
let bench: Bench;

const pki = "/etc/kubernetes/pki/etcd";
const client = {
  via: "host",
  endpoint: "https://127.0.0.1:2379",
  cacert: `${pki}/ca.crt`,
  cert: `${pki}/healthcheck-client.crt`,
  key: `${pki}/healthcheck-client.key`,
} as const;
const etcdctl = `etcdctl --endpoints=${client.endpoint} --cacert=${client.cacert} --cert=${client.cert} --key=${client.key}`;
const prefix = "/cache/it's $(odd)/";
const mebibyte = 1024 * 1024;

beforeAll(async () => {
  lab = await useLab({ nodes: "1+0", fresh: true });
  bench = await openBench(lab.node("cp1"));
  await bench.run(`for i in $(seq 20); do ${etcdctl} put /registry/pods/$i value-$i >/dev/null; done`);
});

afterAll(async () => {
  await bench?.close();
  await lab?.down();
});

afterEach(async () => {
  await bench.run(`${etcdctl} del --prefix /cache/ >/dev/null; ${etcdctl} alarm disarm >/dev/null`);
});

/** All keys and values, alarms, what etcd is started with, and that it takes a write. */
const evidence = `
${etcdctl} put /registry/probe x
${etcdctl} get --prefix ''
${etcdctl} alarm list
cat /etc/default/etcd; stat -c '%y %a' /etc/default/etcd; systemctl is-active etcd.service`;

/** The break's two operations: a quota a few MiB above what there is, and what fills it. */
async function operations(headroom = 8) {
  const last = (await bench.run("tail -n 1 /etc/default/etcd")).trimEnd();
  const size = Number(
    (
      await bench.run(`${etcdctl} endpoint status --write-out=json | sed 's/.*"dbSize":\\([0-9]*\\).*/\\1/'`)
    ).trim(),
  );
  const quota = Math.ceil(size / mebibyte + headroom);
  return [
    editFile(
      "/etc/default/etcd",
      [{ find: last, with: `${last}\nETCD_QUOTA_BACKEND_BYTES=${quota * mebibyte}` }],
      {
        restart: "etcd.service",
      },
    ),
    etcdFill({ client, prefix, mebibytes: quota + 4 }),
  ] as const;
}

const inUse = async () =>
  Number(
    (
      await bench.run(`${etcdctl} endpoint status --write-out=json | sed 's/.*"dbSize":\\([0-9]*\\).*/\\1/'`)
    ).trim(),
  );

it("fills etcd until it refuses a put and still answers reads, and gives the space back", async () => {
  const size = await inUse();
  await roundTrip(bench, {
    operations: await operations(),
    evidence,
    meanwhile: async () => {
      expect(await bench.run(`${etcdctl} put /registry/a b 2>&1 || :`)).toContain("database space exceeded");
      expect(await bench.run(`${etcdctl} alarm list`)).toContain("NOSPACE");
      expect(await bench.run(`${etcdctl} get --print-value-only /registry/pods/7`)).toBe("value-7\n");
    },
  });
  expect(await inUse()).toBeLessThan(size + mebibyte);
});

it("what others wrote meanwhile, and what they deleted, stays so", async () => {
  const prepared = await prepare(bench, ...(await operations()));
  await apply(bench, prepared);
  await bench.run(`${etcdctl} del /registry/pods/20 >/dev/null`);
  expectRestored(prepared, await restore(bench, prepared));
  expect(
    await bench.run(
      `${etcdctl} get --prefix --keys-only /registry/pods/20; ${etcdctl} get --print-value-only /registry/pods/19`,
    ),
  ).toBe("value-19\n");
  await bench.run(`${etcdctl} put /registry/pods/20 value-20 >/dev/null`);
});

it.each([1, 2, 5])("killed at its put number %i, it is undone", async (call) => {
  const before = await bench.run(evidence);
  const prepared = await prepare(bench, ...(await operations()));
  const dying = trusted(
    `count=0\netcdctl() { case "$*" in *' put '*) read -r count </run/puts; echo $((count + 1)) >/run/puts; [ "$count" != ${call} ] || kill -KILL 0 ;; esac; command etcdctl "$@"; }`,
  );
  await bench.run("echo 1 >/run/puts");
  await expect(bench.frames(lines(dying, applying(prepared)))).rejects.toThrow(UnknownOutcomeError);
  await bench.run("rm /run/puts");
  await undo(bench, prepared);
  expect(await bench.run(evidence)).toBe(before);
});

it.each(["del", "compact", "defrag", "disarm"])(
  "its restoration killed before %s, it is undone again",
  async (word) => {
    const before = await bench.run(evidence);
    const prepared = await prepare(bench, ...(await operations()));
    expectInEffect(prepared, await apply(bench, prepared));
    const dying = trusted(
      `etcdctl() { case " $* " in *' ${word} '*) kill -KILL 0 ;; esac; command etcdctl "$@"; }`,
    );
    await expect(bench.frames(lines(dying, restoring(prepared)))).rejects.toThrow(UnknownOutcomeError);
    await undo(bench, prepared);
    expect(await bench.run(evidence)).toBe(before);
  },
);

it("is refused where keys have the prefix", async () => {
  await bench.run(`${etcdctl} put "/cache/it's \\$(odd)/mine" x >/dev/null`);
  expect(await refusal(bench, (await operations())[1])).toMatch(/has 1 keys below/);
});

it("is refused where there is an alarm, which stays", async () => {
  const [edit] = await operations(2);
  const before = await bench.run("cat /etc/default/etcd; stat -c %y /etc/default/etcd");
  const prepared = await prepare(bench, edit);
  await apply(bench, prepared);
  await bench.run(
    `for i in $(seq 8); do head -c 1000000 /dev/zero | tr '\\0' y | ${etcdctl} put /other/$i >/dev/null 2>&1 || :; done`,
  );
  expect(await refusal(bench, (await operations())[1])).toMatch(/alarm already: NOSPACE/);
  expect(await bench.run(`${etcdctl} alarm list`)).toContain("NOSPACE");
  await bench.run(
    `${etcdctl} del --prefix /other/ >/dev/null; ${etcdctl} compact --physical "$(${etcdctl} endpoint status --write-out=json | sed 's/.*"revision":\\([0-9]*\\).*/\\1/')" >/dev/null; ${etcdctl} defrag >/dev/null; ${etcdctl} alarm disarm >/dev/null`,
  );
  await restore(bench, prepared);
  expect(await bench.run("cat /etc/default/etcd; stat -c %y /etc/default/etcd")).toBe(before);
});

it("is refused where the disk has no room for the way back", async () => {
  expect(await refusal(bench, etcdFill({ client, prefix, mebibytes: 2000 }))).toMatch(/MiB free/);
});

it("cannot be read while etcd is down, which is an error and not a state", async () => {
  const prepared = await prepare(bench, (await operations())[1]);
  await bench.run("systemctl stop etcd.service");
  expect(await look(bench, prepared)).toEqual([undefined]);
  await bench.run("systemctl start etcd.service");
});

it("a quota that is never reached is an error, and its keys go", async () => {
  const before = await bench.run(evidence);
  const prepared = await prepare(bench, etcdFill({ client, prefix, mebibytes: 3 }));
  expect((await apply(bench, prepared)).changes[0]).toMatchObject({
    kind: "failed",
    message: expect.stringMatching(/without reaching its quota/),
  });
  await undo(bench, prepared);
  expect(await bench.run(evidence)).toBe(before);
});
