import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { register as registerInventory } from "../../src/cli/inventory.ts";
import { register as registerValidate } from "../../src/cli/validate.ts";
import { ConnectError, EnrolmentError, type KbreakError, UsageError } from "../../src/errors.ts";
import { type FakeNode, type Key, newKey, startFakeNode } from "../transport/fake-node.ts";

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly failure: unknown;
}

/** Runs a command line of these two verbs in this process. */
async function kbreak(...words: readonly string[]): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((text) => out.push(String(text)) > 0);
  const stderr = vi.spyOn(process.stderr, "write").mockImplementation((text) => err.push(String(text)) > 0);
  const program = new Command().exitOverride();
  registerInventory(program);
  registerValidate(program);
  const failure = await program.parseAsync(words, { from: "user" }).then(
    () => undefined,
    (error: unknown) => error,
  );
  stdout.mockRestore();
  stderr.mockRestore();
  return { stdout: out.join(""), stderr: err.join(""), failure };
}

/** What OpenSSH says of a key. */
function fingerprintOf(key: Key): string {
  const { stdout } = spawnSync("ssh-keygen", ["-lf", "-"], { input: key.public, encoding: "utf8" });
  return stdout.split(" ")[1] ?? "";
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cli-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  process.exitCode = undefined;
});

function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe("kbreak inventory", () => {
  const keys = { one: newKey("ed25519"), two: newKey("rsa") };
  let one: FakeNode;
  let two: FakeNode;
  beforeAll(async () => {
    one = await startFakeNode([keys.one.private]);
    two = await startFakeNode([keys.two.private]);
  });
  afterAll(async () => {
    await one?.close();
    await two?.close();
  });

  const lab = (nodes: Readonly<Record<string, FakeNode["access"]>>) =>
    written(
      "lab.yaml",
      JSON.stringify({
        name: "lab",
        nodes: Object.fromEntries(
          Object.entries(nodes).map(([name, { host, port, user, key }]) => [
            name,
            { host, port, user, key, roles: ["worker"] },
          ]),
        ),
        groups: { front: ["w1"] },
      }),
    );
  const lock = () => JSON.parse(readFileSync(join(folder, "lab.yaml.lock"), "utf8"));
  const machineId = () => readFileSync("/etc/machine-id", "utf8").trim();

  it("lists, in every format", async () => {
    const file = lab({ w1: one.access, w2: two.access });
    expect((await kbreak("inventory", "list", "-i", file, "-o", "name")).stdout).toBe("w1\nw2\n");
    const table = (await kbreak("inventory", "list", "-i", file)).stdout.split("\n");
    expect(table[0]).toMatch(/^NAME +ROLES +ADDRESS +CLUSTER +GROUPS +ENROLLED +PROTECTED$/);
    expect(table[1]).toMatch(/^w1 +worker +\S+@127\.0\.0\.1:\d+ +- +front +no +no$/);
    const json = (await kbreak("inventory", "list", "-i", file, "-o", "json", "--limit", "!w1")).stdout;
    expect(JSON.parse(json)).toEqual([
      expect.objectContaining({ name: "w2", port: two.access.port, groups: [] }),
    ]);
    const yaml = (await kbreak("inventory", "list", "-i", file, "-o", "yaml", "--limit", "w1")).stdout;
    expect(parse(yaml)).toEqual([expect.objectContaining({ name: "w1", groups: ["front"] })]);
  });

  it("shows how ssh will reach a node", async () => {
    const file = lab({ w1: one.access });
    const { stdout } = await kbreak("inventory", "show", "w1", "-i", file, "-o", "json");
    expect(JSON.parse(stdout).ssh).toMatchObject({ host: "127.0.0.1", port: one.access.port });
    const table = (await kbreak("inventory", "show", "w1", "-i", file)).stdout;
    expect(table).toMatch(new RegExp(`^ssh\\.port +${one.access.port}$`, "m"));
  });

  it("says which node was meant", async () => {
    const { failure } = await kbreak("inventory", "show", "w9", "-i", lab({ w1: one.access }));
    expect(failure).toBeInstanceOf(UsageError);
    expect(String(failure)).toContain("did you mean `w1`?");
  });

  it("enrols host key and machine-id, once", async () => {
    const file = lab({ w1: one.access, w2: two.access });
    const first = await kbreak("inventory", "enrol", "-i", file, "--yes");
    expect(first.failure).toBeUndefined();
    expect(first.stdout).toBe('2 of 2 nodes of "lab" are enrolled\n');
    expect(first.stderr).toContain("Warning: w1 and w2 have the same machine-id");
    expect(lock()).toEqual({
      version: 1,
      lab: "lab",
      nodes: {
        w1: { hostKey: fingerprintOf(keys.one), machineId: machineId() },
        w2: { hostKey: fingerprintOf(keys.two), machineId: machineId() },
      },
    });
    const again = await kbreak("inventory", "enroll", "-i", file);
    expect(again).toEqual({ stdout: '2 of 2 nodes of "lab" are enrolled\n', stderr: "", failure: undefined });
  });

  it("asks nobody where there is no terminal", async () => {
    const file = lab({ w1: one.access });
    const { failure } = await kbreak("inventory", "enrol", "-i", file);
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure).toMatchObject({ hint: `kbreak inventory enrol -i ${file} --yes` });
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it("refuses another machine under an enrolled name until it is replaced", async () => {
    const file = lab({ w1: one.access });
    expect((await kbreak("inventory", "enrol", "-i", file, "--yes")).failure).toBeUndefined();
    const before = lock();
    lab({ w1: two.access });
    const refused = await kbreak("inventory", "enrol", "-i", file, "--yes");
    expect(refused.failure).toBeInstanceOf(EnrolmentError);
    expect(String(refused.failure)).toMatch(/w1 has another ssh host key/);
    expect(lock()).toEqual(before);
    const replaced = await kbreak("inventory", "enrol", "-i", file, "--replace", "w1", "--yes");
    expect(replaced.failure).toBeUndefined();
    expect(replaced.stderr).toMatch(/^w1 .* replaces another$/m);
    expect(lock().nodes.w1.hostKey).not.toBe(before.nodes.w1.hostKey);
  });

  it("enrols those that it can reach, and names the others", async () => {
    const gone = await startFakeNode();
    await gone.close();
    const file = lab({ w1: one.access, w2: gone.access });
    const { failure } = await kbreak("inventory", "enrol", "-i", file, "--yes");
    expect(failure).toBeInstanceOf(ConnectError);
    expect(String(failure)).toMatch(/left out:\nw2/);
    expect(Object.keys(lock().nodes)).toEqual(["w1"]);
  });

  it("enrols nodes behind a command", async () => {
    const file = written("lab.yaml", "name: lab\nnodes: {here: {command: sh -s}}\n");
    expect((await kbreak("inventory", "enrol", "-i", file, "--yes")).failure).toBeUndefined();
    expect(lock().nodes).toEqual({ here: { machineId: machineId() } });
  });

  describe("without -i", () => {
    const before = { inventory: process.env.KBREAK_INVENTORY, data: process.env.KBREAK_DATA_DIR };
    beforeEach(() => {
      process.env.KBREAK_DATA_DIR = join(folder, "data");
    });
    afterEach(() => {
      for (const [name, value] of [
        ["KBREAK_INVENTORY", before.inventory],
        ["KBREAK_DATA_DIR", before.data],
      ] as const) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });

    it("uses KBREAK_INVENTORY", async () => {
      process.env.KBREAK_INVENTORY = lab({ w1: one.access });
      expect((await kbreak("inventory", "list", "-o", "name")).stdout).toBe("w1\n");
    });

    it("names the way to practice nodes where there are none", async () => {
      delete process.env.KBREAK_INVENTORY;
      const { failure } = await kbreak("inventory", "list");
      expect(failure).toBeInstanceOf(UsageError);
      expect((failure as KbreakError).hint).toContain("kbreak lab up");
    });
  });
});

describe("kbreak validate", () => {
  const goodInventory = "name: lab\nnodes: {cp1: }\n";
  const badInventory = "name: lab\nnodes:\n  cp1: {port: ssh}\n";
  const goodPlaybook = "name: p\nsteps: [{break: files/immutable}]\n";
  const badPlaybook = "name: p\nsteps:\n  - break: file/immutable\n  - brake: x\n";

  it("says what each good file is", async () => {
    const [a, b] = [written("a.yaml", goodInventory), written("b.yaml", goodPlaybook)];
    const { stdout, stderr } = await kbreak("validate", a, b);
    expect(stdout).toBe(`${a}: a valid inventory\n${b}: a valid playbook: 1 step, 0 goals, 0 hints\n`);
    expect(stderr).toBe("");
    expect(process.exitCode).toBeUndefined();
  });

  it("says all mistakes of all files, and fails", async () => {
    const files = [
      written("a.yaml", badInventory),
      written("b.yaml", badPlaybook),
      written("c.yaml", goodPlaybook),
      written("d.yaml", "a: [\n"),
      join(folder, "none.yaml"),
    ];
    const [a, b, c, d, none] = files;
    const { stdout, stderr } = await kbreak("validate", ...files);
    expect(stdout).toBe(`${c}: a valid playbook: 1 step, 0 goals, 0 hints\n`);
    expect(stderr.trimEnd().split("\n")).toEqual([
      `${a}:3:15: \`port\` must be a whole number from 1 to 65535, not "ssh"`,
      `${b}:3:12: unknown break \`file/immutable\`, did you mean \`files/immutable\`?`,
      `${b}:4:5: unknown property \`brake\`, did you mean \`break\`?`,
      expect.stringMatching(new RegExp(`^${d}:\\d+:\\d+: not valid YAML: `)),
      `${none}:1:1: there is no such file`,
    ]);
    expect(process.exitCode).toBe(1);
  });

  it("says it in JSON", async () => {
    const file = written("a.yaml", badInventory);
    const { stdout, stderr } = await kbreak("validate", "-o", "json", file);
    expect(JSON.parse(stdout)).toEqual([
      {
        file,
        kind: "inventory",
        problems: [
          { file, line: 3, column: 15, message: '`port` must be a whole number from 1 to 65535, not "ssh"' },
        ],
      },
    ]);
    expect(stderr).toBe("");
    expect(process.exitCode).toBe(1);
  });
});
