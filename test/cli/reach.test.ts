import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { attempt } from "../../src/lab/command.ts";
import { connectCommand } from "../../src/transport/command.ts";
import { on } from "../support/bench.ts";
import { startNode } from "../support/product.ts";
import { type Desk, makeFolder, useDesk } from "./support.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await useDesk();
});
afterEach(async () => {
  await desk.kbreak("undo", "--all", "--exact");
  await desk.expectUntouched();
});
afterAll(() => desk?.end());

const main = () => join(desk.product.folder, "src/cli/main.js");

describe("what is kept is its owner's only", () => {
  it.each(["000", "777"])(
    "with umask %s",
    async (umask) => {
      const data = join(desk.folder, `umask-${umask}`);
      const mirror = `${data}-mirror`;
      const exported = `${data}-export`;
      const kbreak = (...words: readonly string[]) =>
        attempt([
          ...["env", `KBREAK_DATA_DIR=${data}`, `KBREAK_INVENTORY=${desk.lab.inventory}`, "sh", "-c"],
          ...[`umask ${umask}; exec "$@"`, "sh", process.execPath, main(), ...words],
        ]);
      const applied = await kbreak(
        ...["apply", "--yes", "files/unicode-doppelganger", "-l", "cp1", "-o", "name", "--mirror", mirror],
      );
      expect(applied).toMatchObject({ code: 0 });
      const run = applied.stdout.trim();
      mkdirSync(exported);
      await kbreak("runs", "export", run, join(exported, "run.json"));
      await kbreak("runs", "export", run, "--format", "sh", join(exported, "scripts"));
      expect(await kbreak("undo", "--mirror", mirror)).toMatchObject({ code: 0 });
      const paths = [data, mirror].flatMap((folder) => [folder, ...below(folder)]);
      expect(paths.length).toBeGreaterThan(10);
      for (const path of [...paths, ...below(exported)]) {
        const stat = statSync(path);
        expect([path, (stat.mode & 0o777).toString(8)]).toEqual([path, stat.isFile() ? "600" : "700"]);
      }
    },
    300_000,
  );
});

const below = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path));

/** The command lines of every process of this machine, among them the nodes', without a test's own. */
function commandLines(): string {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .join("\n");
}

describe("secrets", () => {
  const canary = /CANARY/;

  it("of a playbook and of the environment are on no command line and in no output, by a command's way either", async () => {
    const { key = "", port = 22 } = desk.lab.node("cp1").access;
    const command = `ssh -F none -p ${port} -i ${key} -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1 sh -s`;
    const inventory = desk.inventory({ cp1: { fields: { command } } });
    const playbook = desk.write(
      "canary.yaml",
      `name: canary
steps:
  - name: a credential
    targets: cp1
    operations:
      - { kind: file, path: /root/desk/env, content: "API_TOKEN=CANARY-file\\n" }
      - { kind: process, command: [sleep, "4321"] }
`,
    );
    const env = { ...desk.env, API_TOKEN: "CANARY-env", KBREAK_DEBUG: "1" };
    const texts: string[] = [];
    const watched = async (words: readonly string[], stopAfter?: RegExp) => {
      const { child, ended } = startNode([main(), ...words], env);
      let output = "";
      child.stdout?.on("data", (text: string) => {
        output += text;
      });
      while (child.exitCode === null && child.signalCode === null) {
        expect(commandLines()).not.toMatch(canary);
        if (stopAfter?.test(output)) child.kill("SIGINT");
        await sleep(20);
      }
      const { stdout, stderr, code } = await ended;
      texts.push(stdout, stderr);
      return code;
    };
    const remove = await makeFolder(desk.lab.node("cp1"), "/root/desk");
    expect(await watched(["apply", "--yes", playbook, "-i", inventory])).toBe(0);
    await watched(["status", "--watch"], /in effect/);
    expect(await watched(["undo", "--plan"])).toBe(0);
    // What fails tells most.
    await on(desk.lab.node("cp1"), "rm /root/desk/env; mkdir /root/desk/env");
    expect(await watched(["undo", "--exact", "-o", "json"])).toBe(5);
    await on(desk.lab.node("cp1"), "rmdir /root/desk/env");
    expect(await watched(["undo"])).toBe(0);
    await remove();
    expect(texts.join("\n")).not.toMatch(canary);
    expect(readFileSync(join(desk.data, "log/kbreak.log"), "utf8")).not.toMatch(canary);
  }, 300_000);
});

describe("a playbook reaches nothing but its nodes", () => {
  it.each([
    ["!include /etc/hostname", "content: !include /etc/hostname"],
    ["!!js/function", 'content: !!js/function "function () {}"'],
    ["!!python/object/apply", 'content: !!python/object/apply:os.system ["true"]'],
  ])("a tag such as %s is an error", async (_what, field) => {
    const file = desk.write(
      "tag.yaml",
      `name: tag\nsteps:\n  - name: x\n    operations:\n      - kind: file\n        path: /root/x\n        ${field}\n`,
    );
    const { code, stderr } = await desk.kbreak("validate", file);
    expect(stderr).toMatch(/tag\.yaml:7:\d+: .*tag/i);
    expect(code).toBe(1);
  });

  it.each(["file:///etc/hostname", "unix:///run/docker.sock", "ftp://127.0.0.1/", "data:,x"])(
    "a goal cannot ask %s",
    async (url) => {
      const file = desk.write(
        "goal.yaml",
        `name: goal\ngoal:\n  - { name: x, http: "${url}" }\nsteps:\n  - break: files/immutable\n`,
      );
      const { code, stderr } = await desk.kbreak("validate", file);
      expect(stderr).toMatch(/goal\.yaml:3:\d+: .*http/);
      expect(code).toBe(1);
    },
  );
});

describe("the agent is forwarded to no node", () => {
  let folder: string;
  let pid = "";
  const before = process.env.SSH_AUTH_SOCK;
  beforeAll(async () => {
    folder = mkdtempSync("/tmp/agent-");
    const { stdout } = await attempt(["ssh-agent", "-s", "-a", join(folder, "s")]);
    pid = /SSH_AGENT_PID=(\d+)/.exec(stdout)?.[1] ?? "";
    process.env.SSH_AUTH_SOCK = join(folder, "s");
    expect(existsSync(join(folder, "s"))).toBe(true);
  });
  afterAll(() => {
    if (before === undefined) delete process.env.SSH_AUTH_SOCK;
    else process.env.SSH_AUTH_SOCK = before;
    if (pid !== "") process.kill(Number(pid));
    rmSync(folder, { recursive: true, force: true });
  });

  /** Sockets that sshd has made for a forwarded agent. */
  const sockets = "find /tmp /root/.ssh -type s -name '*agent*' 2>/dev/null | wc -l";
  const forwarding = () => {
    const { key = "", port = 22 } = desk.lab.node("cp1").access;
    const config = desk.write("forward", "Host *\n  ForwardAgent yes\n");
    return `ssh -F ${config} -p ${port} -i ${key} -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1`;
  };

  it("not by ssh2", async () => {
    const { connect } = await import("../../src/transport/connect.ts");
    const { access, identity } = desk.lab.node("cp1");
    const connection = await connect(access, { hostKey: identity.hostKey });
    const outcome = await connection.run(`${sockets}\n`, { deadline: 60_000 });
    await connection.close();
    expect(outcome).toMatchObject({ stdout: "0\n" });
  });

  it("not by the system's ssh either, whose settings say so", async () => {
    // As a fixer's ssh would do it.
    expect((await attempt(["sh", "-c", `${forwarding()} "${sockets}"`])).stdout).toBe("1\n");
    const connection = await connectCommand(
      { name: "cp1", command: `${forwarding()} sh -s` },
      { hostKey: undefined },
    );
    const outcome = await connection.run(`${sockets}\n`, { deadline: 60_000 });
    await connection.close();
    expect(outcome).toMatchObject({ stdout: "0\n" });
  });
});
