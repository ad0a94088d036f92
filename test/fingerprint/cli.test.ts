import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { register } from "../../src/cli/diff.ts";
import { type TestLab, useLab } from "../support/lab.ts";

let lab: TestLab;
let folder: string;

beforeAll(async () => {
  lab = await useLab();
  folder = await mkdtemp(join(tmpdir(), "diff-"));
});
afterAll(async () => {
  await lab?.down();
  await rm(folder, { recursive: true, force: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function diff(...words: readonly string[]): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []];
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation((text) => out.push(String(text)) > 0),
    vi.spyOn(process.stderr, "write").mockImplementation((text) => err.push(String(text)) > 0),
  ];
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    const program = new Command().exitOverride();
    register(program);
    await program.parseAsync(["diff", ...words], { from: "user" });
    return { code: Number(process.exitCode), out: out.join(""), err: err.join("") };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}

describe("kbreak diff", () => {
  it("keeps a look, shows nothing when nothing changed, and one line for what did", async () => {
    const file = join(folder, "before.json");
    const here = ["-i", lab.inventory, "--limit", "cp1,w1"];
    expect((await diff("save", file, ...here)).out).toBe(`${file}\n`);
    const same = await diff("show", file, ...here, "--detailed-exitcode");
    expect(same).toEqual({ code: 0, out: "", err: "no differences on 2 nodes\n" });

    await lab.node("w1").exec("chmod 600 /etc/hosts");
    try {
      const found = await diff("show", file, ...here);
      expect(found.code).toBe(0);
      expect(found.out).toMatch(/^w1 +files +\/etc\/hosts +0644 → 0600$/m);
      expect(found.out.trim().split("\n")).toHaveLength(2);
      expect((await diff("show", file, ...here, "--detailed-exitcode")).code).toBe(2);
      const json = JSON.parse((await diff("show", file, ...here, "-o", "json")).out);
      expect(json.nodes[1].differences).toMatchObject([
        { section: "files", key: "/etc/hosts", kind: "changed" },
      ]);
    } finally {
      await lab.node("w1").exec("chmod 644 /etc/hosts");
    }
  });

  it("compares two kept looks without any node", async () => {
    const [one, other] = [join(folder, "one.json"), join(folder, "other.json")];
    const look = (hostname: string) => ({
      version: 1,
      node: "n",
      sections: { host: { hostname } },
      skipped: [],
    });
    await writeFile(one, JSON.stringify({ version: 1, fingerprints: [look("a")] }));
    await writeFile(other, JSON.stringify({ version: 1, fingerprints: [look("b")] }));
    expect((await diff("show", one, other)).out).toMatch(/^n +host +hostname +a → b$/m);
  });

  it("leaves out a node that cannot be reached, keeps the others, and exits with 4", async () => {
    const inventory = join(folder, "inventory.yaml");
    const { access } = lab.node("cp1");
    const node = (name: string, port: number | undefined) =>
      `  ${name}: {host: 127.0.0.1, port: ${port}, user: root, key: "${access.key}"}\n`;
    await writeFile(inventory, `name: x\nnodes:\n${node("cp1", access.port)}${node("gone", 9)}`);
    const nodes = { cp1: lab.node("cp1").identity, gone: lab.node("cp1").identity };
    await writeFile(`${inventory}.lock`, JSON.stringify({ version: 1, lab: "x", nodes }));
    const file = join(folder, "partly.json");
    const saved = await diff("save", file, "-i", inventory);
    expect([saved.code, saved.out]).toEqual([4, `${file}\n`]);
    expect(saved.err).toMatch(/^gone is left out: /m);
  });

  it("says what to do about a name that was never kept, and a node that is not enrolled", async () => {
    await expect(diff("show", "never")).rejects.toMatchObject({ hint: expect.stringMatching(/diff save/) });
    const inventory = join(folder, "strange.yaml");
    await writeFile(inventory, "name: y\nnodes:\n  a: {}\n");
    await expect(diff("save", "x", "-i", inventory)).rejects.toMatchObject({ code: "enrolment" });
  });
});
