import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConnectError } from "../../src/errors.ts";
import { quote } from "../../src/shell.ts";
import { resolveSsh } from "../../src/transport/ssh-config.ts";

// ssh takes the home folder from passwd(5) and not from $HOME, so a person's configuration is stood in for by an
// `ssh` that runs the real one with -F.
let folder: string;
const before = { path: process.env.PATH, socket: process.env.SSH_AUTH_SOCK };
const realSsh = execFileSync("sh", ["-c", "command -v ssh"], { encoding: "utf8" }).trim();

function configure(text: string): void {
  writeFileSync(join(folder, "config"), text);
  const wrapper = join(folder, "bin", "ssh");
  writeFileSync(wrapper, `#!/bin/sh\nexec ${realSsh} -F ${quote(join(folder, "config"))} "$@"\n`);
  chmodSync(wrapper, 0o755);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ssh-config-"));
  mkdirSync(join(folder, "bin"));
  process.env.PATH = `${join(folder, "bin")}:/usr/bin:/bin`;
  process.env.SSH_AUTH_SOCK = "/run/own-agent";
});

afterEach(() => {
  process.env.PATH = before.path;
  if (before.socket === undefined) delete process.env.SSH_AUTH_SOCK;
  else process.env.SSH_AUTH_SOCK = before.socket;
  rmSync(folder, { recursive: true });
});

describe("resolveSsh", () => {
  it("takes host, port, user, keys and agent of the configuration", async () => {
    const key = join(folder, "a key");
    writeFileSync(key, "");
    configure(
      `Host cp1\n HostName 10.1.2.3\n Port 2200\n User trainer\n IdentityFile "${key}"\n IdentityFile ${folder}/none\n IdentityAgent ~/agent\n IdentitiesOnly yes\n`,
    );
    expect(await resolveSsh({ name: "cp1" })).toEqual({
      host: "10.1.2.3",
      port: 2200,
      user: "trainer",
      identityFiles: [key],
      agent: `${homedir()}/agent`,
      identitiesOnly: true,
      proxyCommand: undefined,
    });
  });

  it("prefers the inventory's values, and looks the host up, not the node's name", async () => {
    configure(
      "Host cp1\n Port 1\nHost alias\n HostName 10.1.2.3\n Port 2200\n User trainer\n IdentityFile /etc/hosts\n",
    );
    const node = { name: "cp1", host: "alias", port: 2222, user: "root", key: "~/lab" };
    expect(await resolveSsh(node)).toMatchObject({
      host: "10.1.2.3",
      port: 2222,
      user: "root",
      identityFiles: [`${homedir()}/lab`],
      agent: "/run/own-agent",
    });
  });

  it.each([
    ["none", undefined],
    ["SSH_AUTH_SOCK", "/run/own-agent"],
    ["$SSH_AUTH_SOCK", "/run/own-agent"],
    ["/run/%r", "/run/root"],
  ])("IdentityAgent %s is %s", async (value, agent) => {
    configure(`Host *\n IdentityAgent ${value}\n`);
    expect((await resolveSsh({ name: "cp1", user: "root" })).agent).toBe(agent);
  });

  it.each([
    ["bastion", "exec ssh -W '[10.0.0.1]:22' -- 'ssh://bastion'"],
    ["me@bastion:2222", "exec ssh -W '[10.0.0.1]:22' -- 'ssh://me@bastion:2222'"],
    ["one,me@two:2222", "exec ssh -J 'one' -W '[10.0.0.1]:22' -- 'ssh://me@two:2222'"],
    ["none", undefined],
  ])("ProxyJump %s", async (jump, command) => {
    configure(`Host cp1\n HostName 10.0.0.1\n ProxyJump ${jump}\n`);
    expect((await resolveSsh({ name: "cp1" })).proxyCommand).toBe(command);
  });

  it("makes a jump command that OpenSSH itself takes", async () => {
    configure("Host cp1\n HostName 10.0.0.1\n ProxyJump one,me@two:2222\n");
    const { proxyCommand } = await resolveSsh({ name: "cp1" });
    const asked = execFileSync("sh", ["-c", (proxyCommand ?? "").replace("exec ssh", "ssh -G")], {
      encoding: "utf8",
    });
    expect(asked).toMatch(/^user me$/m);
    expect(asked).toMatch(/^hostname two$/m);
    expect(asked).toMatch(/^port 2222$/m);
    expect(asked).toMatch(/^proxyjump one$/m);
  });

  it("expands a ProxyCommand", async () => {
    configure("Host cp1\n HostName 10.0.0.1\n ProxyCommand nc -X 5 %h %p # %n %r %%\n");
    const { proxyCommand } = await resolveSsh({ name: "cp1", user: "root", port: 23 });
    expect(proxyCommand).toBe("exec nc -X 5 10.0.0.1 23 # cp1 root %");
  });

  it("does not let a user's name become part of a ProxyCommand's syntax", async () => {
    configure("Host *\n ProxyCommand nc %h %p\n");
    await expect(resolveSsh({ name: "cp1", user: "x;touch /tmp/owned" })).rejects.toThrow(ConnectError);
  });

  it("takes a host that looks like an option for a host", async () => {
    configure("");
    await expect(resolveSsh({ name: "cp1", host: "-oProxyCommand=touch /tmp/owned" })).rejects.toThrow(
      /does not accept its configuration for host "-oProxyCommand/,
    );
  });

  it("reports a broken configuration", async () => {
    configure("Host *\n Nonsense yes\n");
    const failure = await resolveSsh({ name: "cp1" }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConnectError);
    expect(failure).toMatchObject({ target: "cp1", hint: expect.stringContaining("ssh -G 'cp1'") });
    expect(String(failure)).toMatch(/nonsense/i);
  });

  it("does with the inventory alone where there is no ssh", async () => {
    process.env.PATH = join(folder, "bin");
    expect(await resolveSsh({ name: "cp1", host: "10.0.0.1" })).toEqual({
      host: "10.0.0.1",
      port: 22,
      user: userInfo().username,
      identityFiles: [],
      agent: "/run/own-agent",
      identitiesOnly: false,
      proxyCommand: undefined,
    });
  });
});
