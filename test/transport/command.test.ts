import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConnectError } from "../../src/errors.ts";
import { connect } from "../../src/transport/connect.ts";
import type { Connection, NodeAccess } from "../../src/transport/transport.ts";

const deadline = 10_000;

async function failure(node: NodeAccess, limit = 5_000): Promise<ConnectError> {
  let connection: Connection;
  try {
    connection = await connect(node, { hostKey: undefined, deadline: limit });
  } catch (error) {
    expect(error).toBeInstanceOf(ConnectError);
    if (error instanceof ConnectError) {
      expect(error.target).toBe(node.name);
      expect(error.hint).toBeTruthy();
      return error;
    }
    throw error;
  }
  await connection.close();
  throw new Error("connected");
}

const to = (command: string): NodeAccess => ({ name: "n1", command });

describe("a command line that does not end in a root shell", () => {
  test.each([
    ["is not there", "no-such-program {name}", /no-such-program: not found/],
    ["fails at once", "sh -c 'echo no such container >&2; exit 1'", /\(exit code 1\): no such container/],
    [
      "fails as ssh does",
      "sh -c 'echo Permission denied >&2; exit 255'",
      /\(exit code 255\): Permission denied/,
    ],
    ["succeeds without reading", "true", /no root shell was started \(exit code 0\)/],
    ["is killed", "sh -c 'kill -9 $$'", /no root shell was started \(SIGKILL\)/],
    ["says what it was told", "cat", /no end within/],
    ["never answers", "sleep 60", /no end within/],
    ["is no valid shell text", "sh -s '", /no root shell was started/],
  ])("it %s", async (_, command, message) => {
    const start = performance.now();
    expect((await failure(to(command), 1_000)).message).toMatch(message);
    expect(performance.now() - start).toBeLessThan(4_000);
  });
});

describe("placeholders", () => {
  const strange = 'it\'s $(id) `id` "x" ; exit 9 #';

  test("each is one word, whatever is in it", async () => {
    const line = `/bin/sh -c 'for word; do echo "<$word>"; done >&2; exec /bin/sh -s' sh {name} {host} {port} {user} {other}`;
    const node: NodeAccess = { name: strange, host: "-h", port: 2222, user: "a b", command: line };
    const connection = await connect(node, { hostKey: undefined });
    const outcome = await connection.run("exit 3", { deadline });
    expect(outcome).toEqual({
      kind: "exited",
      code: 3,
      stdout: "",
      stderr: `<${strange}>\n<-h>\n<2222>\n<a b>\n<{other}>\n`,
    });
    await connection.close();
  });

  test("what is not said is the node's name, ssh's port and root", async () => {
    const line = `/bin/sh -c 'echo "$@" >&2; exec /bin/sh -s' sh {host} {port} {user}`;
    const connection = await connect(to(line), { hostKey: undefined });
    expect(await connection.run(":", { deadline })).toMatchObject({ stderr: "n1 22 root\n" });
    await connection.close();
  });
});

describe("the shell at the end of the line", () => {
  test.each(["sh -s", "bash -s", "bash", "dash", "env -i /bin/sh", "sh -c 'echo Welcome; exec sh -s'"])(
    "%s",
    async (line) => {
      const connection = await connect(to(line), { hostKey: undefined });
      expect(await connection.run("echo ok; exit 5", { deadline })).toEqual({
        kind: "exited",
        code: 5,
        stdout: "ok\n",
        stderr: "",
      });
      await connection.close();
    },
  );

  test("a line that fails later, with a code of its own, ends no script", async () => {
    const line = "sh -c 'if test -e {name}; then echo gone >&2; exit 1; fi; exec sh -s'";
    const folder = mkdtempSync(join(tmpdir(), "command-"));
    const flag = join(folder, "down");
    const later = await connect({ name: flag, command: line }, { hostKey: undefined });
    expect(await later.run(`touch ${flag}`, { deadline })).toMatchObject({ kind: "exited", code: 0 });
    expect(await later.run("exit 1", { deadline })).toMatchObject({
      kind: "unknown",
      reason: "lost",
      detail: "no root shell was started (exit code 1): gone",
    });
    await later.close();
    rmSync(folder, { recursive: true });
  });

  test("255 is ssh's own failure", async () => {
    const connection = await connect(to("sh -s"), { hostKey: undefined });
    expect(await connection.run("echo so far; echo why >&2; exit 255", { deadline })).toMatchObject({
      kind: "unknown",
      reason: "lost",
      detail: "the command failed with exit code 255: why",
      stdout: "so far\n",
    });
    await connection.close();
  });

  test("close kills the command and all that it started", async () => {
    const listed = () => spawnSync("ps", ["-eo", "stat,args"]).stdout.toString();
    const connection = await connect(to("sh -c 'sleep 7654.5 & exec sh -s'"), { hostKey: undefined });
    const outcome = connection.run("sleep 7654.5", { deadline });
    const sleeping = () => listed().match(/^[^Z].* sleep 7654\.5$/gm)?.length;
    await expect.poll(sleeping).toBe(3);
    await connection.close();
    await connection.close();
    expect(await outcome).toMatchObject({ reason: "lost", detail: "the connection was closed" });
    expect(await connection.run("true", { deadline })).toMatchObject({ reason: "lost" });
    // The root check at the beginning left its own one: as after ssh, what a finished command left is not ours to end.
    await expect.poll(sleeping).toBe(1);
    spawnSync("sh", ["-c", "kill $(ps -eo pid,args | awk '$3 == \"7654.5\" {print $1}')"]);
  });
});
