import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConnectError } from "../../src/errors.ts";
import { labSsh } from "../../src/lab/lab.ts";
import { quote, sh } from "../../src/shell.ts";
import { connect } from "../../src/transport/connect.ts";
import { observed } from "../../src/transport/observed.ts";
import type { Connection, NodeAccess } from "../../src/transport/transport.ts";
import { type TestLab, type TestNode, useLab } from "../support/lab.ts";

let lab: TestLab;
let node: TestNode;
let folder: string;

beforeAll(async () => {
  lab = await useLab({ nodes: "2", fresh: true });
  node = lab.node("w1");
  folder = mkdtempSync(join(tmpdir(), "real-"));
});
afterAll(async () => {
  await lab?.down();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

type Transport = "ssh" | "command";

const transports: readonly Transport[] = ["ssh", "command"];

/** The node by ssh2, or by the system's ssh. */
function access(transport: Transport, user: "root" | "lab"): NodeAccess {
  const base: NodeAccess = { ...node.access, user, become: user !== "root" };
  if (transport === "ssh") return base;
  const line = labSsh(lab.name, node.name, user).map(quote).join(" ");
  return { ...base, command: `${line} sh -s` };
}

/** Changes the node, does the work, and puts the node back whatever came of it. */
async function changed(change: string, back: string, work: () => Promise<void>): Promise<void> {
  const done = await node.exec(change);
  expect(done.stderr).toBe("");
  expect(done.code).toBe(0);
  try {
    await work();
  } finally {
    expect((await node.exec(back)).code).toBe(0);
  }
}

const deadline = 30_000;

describe.each(transports.flatMap((transport) => [[transport, "root"] as const, [transport, "lab"] as const]))(
  "%s as %s",
  (transport, user) => {
    let connection: Connection;

    const open = (options: Partial<NodeAccess> = {}) =>
      connect({ ...access(transport, user), ...options }, { hostKey: node.identity.hostKey });

    beforeAll(async () => {
      connection = await open();
    });
    afterAll(async () => {
      await connection?.close();
    });

    test("the host key is the enrolled one, where the transport sees it", () => {
      expect(connection.hostKey).toBe(transport === "ssh" ? node.identity.hostKey : undefined);
    });

    test.each([0, 1, 2, 77, 127, 128, 254])("exit code %i", async (code) => {
      expect(await connection.run(`exit ${code}`, { deadline })).toEqual({
        kind: "exited",
        code,
        stdout: "",
        stderr: "",
      });
    });

    test("exit code 255 counts where it cannot be ssh's own", async () => {
      expect(await connection.run("echo out; exit 255", { deadline })).toMatchObject(
        transport === "ssh"
          ? { kind: "exited", code: 255, stdout: "out\n" }
          : { kind: "unknown", reason: "lost", stdout: "out\n" },
      );
    });

    test("a command that does not exist, and a script that is none", async () => {
      expect(await connection.run("no-such-command", { deadline })).toMatchObject({
        code: 127,
        stderr: expect.stringContaining("no-such-command"),
      });
      expect(await connection.run("if true; then (", { deadline })).toMatchObject({
        code: 2,
        stdout: "",
        stderr: expect.stringMatching(/[Ss]yntax error/),
      });
    });

    test("an empty script", async () => {
      expect(await connection.run("", { deadline })).toMatchObject({ kind: "exited", code: 0 });
    });

    test("it is root's shell, and the environment is ours alone", async () => {
      const outcome = await connection.run("id -u; env | sort", { deadline });
      const [uid, ...environment] = outcome.stdout.trimEnd().split("\n");
      expect(uid).toBe("0");
      const names = environment.map((line) => line.split("=")[0]);
      // The shell itself adds PWD (and bash OLDPWD, SHLVL and _).
      expect(names.filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name ?? ""))).toEqual([
        "HOME",
        "LC_ALL",
        "PATH",
        "SSH_CONNECTION",
      ]);
      expect(environment).toContain("HOME=/root");
      expect(environment).toContain("PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin");
    });

    test("standard output and standard error are apart", async () => {
      expect(
        await connection.run("echo out; echo err >&2; echo out; echo err >&2; exit 5", { deadline }),
      ).toEqual({ kind: "exited", code: 5, stdout: "out\nout\n", stderr: "err\nerr\n" });
    });

    test("5 MB of script arrive unharmed", async () => {
      const text = "it's a \\ line, $HOME `id` é 𝒌\n".repeat(150_000);
      expect(Buffer.byteLength(text)).toBeGreaterThan(5_000_000);
      const outcome = await connection.run(sh`printf %s ${text} | sha256sum`.shell, { deadline });
      expect(outcome).toMatchObject({
        code: 0,
        stdout: `${createHash("sha256").update(text).digest("hex")}  -\n`,
      });
    });

    test("20 MB of output arrive unharmed, letters of several bytes too", async () => {
      const outcome = await connection.run("yes 'aé𝒌' | head -n 2500000; exit 3", { deadline });
      expect(outcome).toMatchObject({ kind: "exited", code: 3, stderr: "" });
      expect(outcome.stdout).toBe("aé𝒌\n".repeat(2_500_000));
    });

    test("2 MB on both streams at once", async () => {
      const outcome = await connection.run(
        "(yes out | head -c 2000000) & (yes err | head -c 2000000) >&2; wait",
        { deadline },
      );
      expect(outcome).toMatchObject({ code: 0 });
      expect([outcome.stdout.length, outcome.stderr.length]).toEqual([2_000_000, 2_000_000]);
    });

    test("bytes that are no UTF-8 are replaced, and base64 carries them", async () => {
      const outcome = await connection.run("printf 'a\\377b\\n'; printf '\\377\\000\\001' | base64", {
        deadline,
      });
      expect(outcome.stdout).toBe("a\ufffdb\n/wAB\n");
    });

    test("a killed shell is unknown", async () => {
      const outcome = await connection.run("echo half; kill -9 $$; echo not", { deadline });
      expect(outcome).toMatchObject({ kind: "unknown", stdout: "half\n" });
    });

    test("the deadline is kept, and the connection goes on", async () => {
      const start = performance.now();
      expect(await connection.run("echo begun; sleep 60 & wait", { deadline: 1_500 })).toMatchObject({
        kind: "unknown",
        reason: "deadline",
        stdout: "begun\n",
      });
      expect(performance.now() - start).toBeLessThan(2_500);
      expect(await connection.run("echo on", { deadline })).toMatchObject({ code: 0, stdout: "on\n" });
      await node.exec("pkill -x sleep");
    });

    test("a background process that keeps the output open", async () => {
      const outcome = await connection.run("sleep 50 & echo $!", { deadline: 7_000 });
      expect((await node.exec(`kill ${Number(outcome.stdout)}`)).code).toBe(0);
      // The system's ssh says nothing of the exit code until the output is closed.
      expect(outcome).toMatchObject(
        transport === "ssh" ? { kind: "exited", code: 0 } : { kind: "unknown", reason: "deadline" },
      );
    });

    test("20 scripts at once", async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          connection.run(`sleep 0.2; echo ${index}; exit ${index}`, { deadline }),
        ),
      );
      expect(outcomes).toEqual(
        Array.from({ length: 20 }, (_, code) => ({ kind: "exited", code, stdout: `${code}\n`, stderr: "" })),
      );
    });

    test("a script that is cut in its middle is never run in part", async () => {
      const mark = `/tmp/cut-${transport}-${user}`;
      const script = `{\ntouch ${mark}\n: ${"x".repeat(3_000_000)}\n`;
      await connection.run(script, { deadline });
      expect((await node.exec(`test -e ${mark}`)).code).toBe(1);
    });

    test("nothing is left in the process list, and no shell history is written", async () => {
      const histories = "cat /root/.*history /home/lab/.*history 2>/dev/null | wc -c";
      const before = await node.exec(histories);
      const marked = connection.run("sleep 1.234 # a-mark-in-the-script", { deadline });
      await expect
        .poll(async () => (await node.exec("ps -eo args")).stdout, { timeout: 5_000 })
        .toContain("sleep 1.234");
      expect((await node.exec("ps -eo args")).stdout).not.toMatch(/a-mark-in-the-script|kbreak/);
      await marked;
      expect((await node.exec(histories)).stdout).toBe(before.stdout);
    });

    test("a poisoned environment and start-up files that print", async () => {
      const poison = [
        "PATH=/poison:/usr/bin:/bin",
        "LD_PRELOAD=/nonexistent.so",
        "BASH_ENV=/etc/noise.sh",
        "ENV=/etc/noise.sh",
        "TMOUT=1",
        "IFS=x",
        "LC_ALL=tr_TR.UTF-8",
      ];
      const change = [
        "mkdir /poison",
        "printf '#!/bin/sh\\necho 4711\\n' >/poison/id",
        "cp /poison/id /poison/sleep; chmod +x /poison/*",
        "cp -a /etc/environment /etc/environment.before 2>/dev/null || touch /etc/environment.before",
        `printf '%s\\n' ${poison.map(quote).join(" ")} >/etc/environment`,
        "echo 'echo noise; echo noise >&2' >/etc/noise.sh",
        "for f in /root/.bashrc /home/lab/.bashrc; do cp -a $f $f.before 2>/dev/null || touch $f.before; cp /etc/noise.sh $f; done",
      ].join("\n");
      const back =
        "rm -r /poison /etc/noise.sh; mv /etc/environment.before /etc/environment; " +
        "for f in /root/.bashrc /home/lab/.bashrc; do mv $f.before $f; done";
      await changed(change, back, async () => {
        const poisoned = await open();
        try {
          expect((await node.exec("echo")).stdout).toContain("noise");
          const outcome = await poisoned.run("id -u; sleep 2; env | sort; echo done; exit 9", { deadline });
          expect(outcome).toMatchObject({ kind: "exited", code: 9 });
          expect(outcome.stdout).toMatch(/^0\n/);
          expect(outcome.stdout).toMatch(/\ndone\n$/);
          expect(outcome.stdout).not.toMatch(/noise|LD_PRELOAD|BASH_ENV|TMOUT|poison|tr_TR/);
        } finally {
          await poisoned.close();
        }
      });
    });

    test("a login shell that is none of the usual", async () => {
      const odd =
        "#!/bin/bash\necho 'Welcome to odd!'\necho 'odd: no terminal' >&2\n" +
        'case $1 in -c) shift; set -v; eval "$1" ;; *) exit 1 ;; esac\n';
      const change = `printf %s ${quote(odd)} >/usr/local/bin/odd; chmod +x /usr/local/bin/odd; usermod -s /usr/local/bin/odd ${user} 2>/dev/null`;
      await changed(change, `usermod -s /bin/bash ${user} 2>/dev/null; rm /usr/local/bin/odd`, async () => {
        const through = await open();
        try {
          expect(await through.run("echo clean; exit 4", { deadline })).toMatchObject({
            kind: "exited",
            code: 4,
            stdout: "clean\n",
          });
        } finally {
          await through.close();
        }
      });
    });

    test("a login shell that refuses", async () => {
      await changed("usermod -s /usr/sbin/nologin lab", "usermod -s /bin/bash lab", async () => {
        if (user === "root") return;
        await expect(open()).rejects.toThrow(/This account is currently not available/);
      });
    });

    test("sudo that asks for a password", async () => {
      if (user === "root") return;
      await changed(
        "mv /etc/sudoers.d/lab /root/sudoers",
        "mv /root/sudoers /etc/sudoers.d/lab",
        async () => {
          const error = await open().then(
            () => undefined,
            (thrown: unknown) => thrown,
          );
          expect(error).toBeInstanceOf(ConnectError);
          if (error instanceof ConnectError) {
            expect(error.message).toMatch(/password is required|not allowed|not in the sudoers/);
            expect(error.hint).toBeTruthy();
          }
          // A connection that stood before: the refusal is not taken for the script's end.
          expect(await connection.run("exit 0", { deadline })).toMatchObject({
            kind: "unknown",
            reason: "lost",
          });
        },
      );
    });

    test("a shell that is not root's", async () => {
      if (user === "root") return;
      await expect(open({ become: false })).rejects.toThrow(/not root's/);
    });

    test("observed counts one round trip for each script", async () => {
      const seen: string[] = [];
      const watched = observed(connection, (run) => {
        seen.push(`${run.node} ${run.outcome.kind} ${run.script}`);
        expect(run.milliseconds).toBeGreaterThan(0);
      });
      await watched.run("true", { deadline });
      await watched.run("false", { deadline });
      expect(seen).toEqual(["w1 exited true", "w1 exited false"]);
    });

    test("the node's sshd session is killed: lost, and a new connection works", async () => {
      const doomed = await open();
      const outcome = doomed.run(
        // The parents of this shell up to the session's sshd.
        'p=$$; while read -r _ name _ <"/proc/$p/stat"; do case $name in "(sshd"*) kill -9 "$p"; break ;; esac; while read -r k v; do case $k in PPid:) q=$v ;; esac; done <"/proc/$p/status"; p=$q; done; sleep 20',
        { deadline },
      );
      const start = performance.now();
      expect(await outcome).toMatchObject({ kind: "unknown", reason: "lost" });
      expect(performance.now() - start).toBeLessThan(10_000);
      if (transport === "ssh")
        expect(await doomed.run("true", { deadline })).toMatchObject({ kind: "unknown", reason: "lost" });
      await doomed.close();
      const next = await open();
      expect(await next.run("exit 6", { deadline })).toMatchObject({ kind: "exited", code: 6 });
      await next.close();
      await node.exec("pkill -x sleep");
    });
  },
);

describe("ssh", () => {
  test("hung scripts that use up the server's sessions: refused, not hung, and free again afterwards", async () => {
    const conf = "/etc/ssh/sshd_config.d/00-few.conf";
    await changed(
      `echo 'MaxSessions 10' >${conf}; systemctl reload ssh`,
      `rm ${conf}; systemctl reload ssh; pkill -x sleep; true`,
      async () => {
        const connection = await connect(node.access, { hostKey: node.identity.hostKey });
        try {
          for (const _ of [1, 2]) {
            const hung = await Promise.all(
              Array.from({ length: 6 }, () => connection.run("sleep 3600", { deadline: 1_000 })),
            );
            for (const outcome of hung)
              expect(outcome).toMatchObject({
                kind: "unknown",
                reason: expect.stringMatching(/deadline|lost/),
              });
          }
          await node.exec("pkill -x sleep");
          expect(await connection.run("echo ok", { deadline })).toMatchObject({ code: 0, stdout: "ok\n" });
        } finally {
          await connection.close();
        }
      },
    );
  });

  test("a wrong host key is refused", async () => {
    const error = await connect(node.access, { hostKey: `SHA256:${"A".repeat(43)}` }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ConnectError);
    if (error instanceof ConnectError) {
      expect(error.message).toContain(node.identity.hostKey);
      expect(error.message).toContain(`SHA256:${"A".repeat(43)}`);
      expect(error.hint).toContain("kbreak inventory enrol --replace w1");
    }
  });

  test("the reported host key is what ssh-keygen prints", async () => {
    const printed = await node.exec("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
    const connection = await connect(node.access, { hostKey: undefined });
    expect(printed.stdout.split(" ")).toContain(connection.hostKey);
    await connection.close();
  });

  test("a user whom the key does not open", async () => {
    await expect(
      connect({ ...node.access, user: "nobody" }, { hostKey: node.identity.hostKey }),
    ).rejects.toThrow(/nobody@127\.0\.0\.1:\d+ refuses us.*key /);
  });

  test("a power cut is noticed at the deadline, and the node is reached again", async () => {
    const connection = await connect(node.access, { hostKey: node.identity.hostKey });
    const running = connection.run("sleep 60", { deadline: 3_000 });
    await node.powerCut();
    expect(await running).toMatchObject({ kind: "unknown", reason: expect.stringMatching(/lost|deadline/) });
    await connection.close();
    await node.start();
    const again = await connect(node.access, { hostKey: node.identity.hostKey });
    expect(await again.run("exit 8", { deadline })).toMatchObject({ code: 8 });
    await again.close();
  });
});

describe("keys, the agent and ~/.ssh/config", () => {
  const key = () => node.access.key ?? "";

  /** An ssh that reads our configuration instead of the person's: `ssh -G` and jumps come through it. */
  async function withConfig(config: string, work: () => Promise<void>): Promise<void> {
    const bin = mkdtempSync(join(folder, "bin-"));
    const real = execFileSync("sh", ["-c", "command -v ssh"]).toString().trim();
    writeFileSync(join(bin, "config"), config);
    const wrapper = sh`exec ${real} -F ${join(bin, "config")} "$@"`.shell;
    writeFileSync(join(bin, "ssh"), `#!/bin/sh\n${wrapper}\n`);
    chmodSync(join(bin, "ssh"), 0o755);
    const path = process.env.PATH;
    process.env.PATH = `${bin}:${path}`;
    try {
      await work();
    } finally {
      process.env.PATH = path;
    }
  }

  async function withAgent(keys: readonly string[], work: () => Promise<void>): Promise<void> {
    const socket = join(mkdtempSync(join(folder, "agent-")), "s");
    const said = execFileSync("ssh-agent", ["-s", "-a", socket]).toString();
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(said)?.[1]);
    const before = process.env.SSH_AUTH_SOCK;
    process.env.SSH_AUTH_SOCK = socket;
    try {
      for (const file of keys) execFileSync("ssh-add", ["-q", file]);
      await work();
    } finally {
      process.kill(pid);
      if (before === undefined) delete process.env.SSH_AUTH_SOCK;
      else process.env.SSH_AUTH_SOCK = before;
    }
  }

  async function connects(access: NodeAccess): Promise<string | undefined> {
    const connection = await connect(access, { hostKey: undefined });
    try {
      expect(await connection.run("id -u", { deadline })).toMatchObject({ stdout: "0\n" });
      return connection.hostKey;
    } finally {
      await connection.close();
    }
  }

  async function refusedWith(access: NodeAccess): Promise<ConnectError> {
    try {
      await connects(access);
    } catch (error) {
      if (error instanceof ConnectError) return error;
    }
    throw new Error("connected");
  }

  const port = () => node.access.port ?? 0;
  const withoutKey = (): NodeAccess => ({ name: "w1", host: "127.0.0.1", port: port(), user: "root" });

  test("the agent's key is used when there is no other", async () => {
    await withConfig("IdentityFile none\n", async () => {
      expect((await refusedWith(withoutKey())).message).toContain("there is no key");
      await withAgent([key()], async () => void (await connects(withoutKey())));
    });
  });

  test("an agent that is gone is said", async () => {
    await withConfig(`IdentityFile none\nIdentityAgent ${folder}/nobody\n`, async () => {
      expect((await refusedWith(withoutKey())).message).toMatch(
        /refuses us.*agent .*nobody.*Failed to connect to agent/,
      );
    });
  });

  test("IdentitiesOnly keeps the agent's other keys back", async () => {
    const other = newKeyFile("other");
    const copy = join(folder, "copy");
    copyFileSync(`${key()}.pub`, `${copy}.pub`);
    const strangers = ["s1", "s2", "s3", "s4", "s5", "s6", "s7"].map(newKeyFile);
    await withAgent([...strangers, key()], async () => {
      await withConfig("IdentityFile none\n", async () => {
        const error = await refusedWith(withoutKey());
        expect(error.message).toMatch(/too many keys/);
        expect(error.hint).toMatch(/`key`/);
      });
      await withConfig(
        `IdentitiesOnly yes\nIdentityFile ${copy}.pub\n`,
        async () => void (await connects(withoutKey())),
      );
      await withConfig(`IdentitiesOnly yes\nIdentityFile ${other}\n`, async () => {
        expect((await refusedWith(withoutKey())).message).toMatch(/refuses us/);
      });
    });
  });

  test("a key with a passphrase: the agent is suggested", async () => {
    const locked = join(folder, "locked");
    copyFileSync(key(), locked);
    chmodSync(locked, 0o600);
    expect(spawnSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", "secret", "-f", locked]).status).toBe(0);
    const error = await refusedWith({ ...withoutKey(), key: locked });
    expect(error.message).toBe(`the inventory's key ${locked} cannot be used: it needs a passphrase`);
    expect(error.hint).toContain(`ssh-add '${locked}'`);
    await withConfig(`IdentityFile ${locked}\n`, async () => {
      expect((await refusedWith(withoutKey())).message).toContain(
        `not used: ${locked} (it needs a passphrase)`,
      );
    });
  });

  test("a key that is not there, and a file that is no private key", async () => {
    expect((await refusedWith({ ...withoutKey(), key: join(folder, "none") })).message).toContain("ENOENT");
    expect((await refusedWith({ ...withoutKey(), key: `${key()}.pub` })).message).toContain(
      "not a private key",
    );
    const text = join(folder, "text");
    writeFileSync(text, "hello\n");
    expect((await refusedWith({ ...withoutKey(), key: text })).message).toContain("Unsupported key format");
  });

  test("ProxyJump: through one node to another", async () => {
    const jump = lab.node("cp1").access;
    const inside = (await node.exec("hostname -I")).stdout.trim();
    const config = [
      "Host jump",
      `  HostName 127.0.0.1\n  Port ${jump.port}\n  User root\n  IdentityFile ${key()}`,
      "  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR",
      "Host behind",
      `  HostName ${inside}\n  Port 22\n  User root\n  IdentityFile ${key()}\n  ProxyJump jump`,
      "Host nowhere",
      "  HostName 10.77.0.200\n  ProxyJump jump",
      "Host broken",
      "  ProxyCommand echo 'no tunnel today' >&2; exit 1",
      "",
    ].join("\n");
    await withConfig(config, async () => {
      expect(await connects({ name: "w1", host: "behind" })).toBe(node.identity.hostKey);
      const error = await refusedWith({ name: "w1", host: "nowhere", user: "root" });
      expect(error.message).toMatch(/no way to 10\.77\.0\.200:22 through `exec ssh -W/);
      expect((await refusedWith({ name: "w1", host: "broken" })).message).toContain("no tunnel today");
    });
    await expect.poll(() => spawnSync("pgrep", ["-f", `W .${inside}.:22`]).stdout.toString()).toBe("");
  });

  function newKeyFile(name: string): string {
    const file = join(folder, name);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
    return file;
  }
});
