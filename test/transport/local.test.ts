import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { connectLocal } from "../../src/transport/local.ts";

/** dash and bash must be installed, or these tests prove nothing. */
const shells: readonly (readonly [string, ...string[]])[] = [
  ["dash"],
  ["bash"],
  ...([["busybox", "sh"]] as const).filter(([file]) => spawnSync(file, ["true"]).status === 0),
];
const deadline = 30_000;

/** A process that has ended may stay listed (Z) until its parent has looked. */
const alive = (pid: number): boolean => {
  const state = spawnSync("ps", ["-o", "stat=", "-p", String(pid)]).stdout.toString();
  return state !== "" && !state.startsWith("Z");
};

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("%s", (_, shell) => {
  const connection = connectLocal({ shell });

  test.each([0, 1, 127, 255])("exit code %i", async (code) => {
    expect(await connection.run(`echo out; echo err >&2; exit ${code}`, { deadline })).toEqual({
      kind: "exited",
      code,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  test("a killed shell is unknown", async () => {
    expect(await connection.run("echo half; kill -9 $$", { deadline })).toEqual({
      kind: "unknown",
      reason: "signal",
      detail: "the shell was killed by SIGKILL",
      stdout: "half\n",
      stderr: "",
    });
  });

  test("the deadline kills what the script started", async () => {
    const outcome = await connection.run("sleep 60 & echo $!; wait", { deadline: 500 });
    expect(outcome).toMatchObject({ kind: "unknown", reason: "deadline" });
    await expect.poll(() => alive(Number(outcome.stdout))).toBe(false);
  });

  test("a background process goes on, and does not hold up the outcome", async () => {
    const start = performance.now();
    const outcome = await connection.run("sleep 5 & echo $!", { deadline });
    expect(performance.now() - start).toBeLessThan(3_000);
    expect(outcome).toMatchObject({ kind: "exited", code: 0 });
    const pid = Number(outcome.stdout);
    expect(alive(pid)).toBe(true);
    process.kill(pid);
  });
});

test("what has been printed counts although kbreak was too busy to read it", async () => {
  const running = connectLocal().run("(sleep 0.2; echo late; sleep 3) & echo early", { deadline });
  await sleep(100);
  // After this phase of Node's loop come the timers, before anything is read.
  await new Promise((resolve) => setImmediate(resolve));
  const busy = performance.now() + 800;
  while (performance.now() < busy);
  expect((await running).stdout).toBe("early\nlate\n");
});

test("too much output is no outcome, and ends the script", async () => {
  const connection = connectLocal({ limit: 1_000_000 });
  const outcome = await connection.run("echo $$ >&2; yes", { deadline });
  expect(outcome).toMatchObject({
    kind: "unknown",
    reason: "lost",
    detail: "the script printed more than 1000000 bytes, which kbreak does not read",
  });
});

test("the real limit holds: 256 MiB are read, one byte more is not", async () => {
  const connection = connectLocal();
  const limit = 256 * 1024 * 1024;
  const most = await connection.run(`head -c ${limit} /dev/zero`, { deadline });
  expect(most).toMatchObject({ kind: "exited", code: 0 });
  expect(most.stdout.length).toBe(limit);
  expect(await connection.run(`head -c ${limit + 1} /dev/zero`, { deadline })).toMatchObject({
    kind: "unknown",
  });
});

test("close ends what runs, and is final", async () => {
  const connection = connectLocal();
  const running = connection.run("sleep 60", { deadline });
  await sleep(100);
  await connection.close();
  await connection.close();
  expect(await running).toMatchObject({
    kind: "unknown",
    reason: "lost",
    detail: "the connection was closed",
  });
  expect(await connection.run("true", { deadline })).toMatchObject({ kind: "unknown", reason: "lost" });
});
