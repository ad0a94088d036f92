import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { quote } from "../../src/shell.ts";

const main = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "terminal-"));
  writeFileSync(join(folder, "lab.yaml"), "name: lab\nnodes: {here: {command: sh -s}}\n");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Enrols on a terminal, and types `keys` when asked. */
function enrol(keys: string): Promise<{ readonly code: number | null; readonly screen: string }> {
  const words = [process.execPath, main, "inventory", "enrol", "-i", join(folder, "lab.yaml")];
  const child = spawn("script", ["-qec", words.map(quote).join(" "), "/dev/null"]);
  return new Promise((resolve, reject) => {
    let screen = "";
    let typed = false;
    child.stdout.on("data", (chunk: Buffer) => {
      screen += chunk.toString("utf8");
      if (typed || !screen.includes("Type the lab's name")) return;
      typed = true;
      child.stdin.write(keys);
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, screen }));
  });
}

describe("kbreak inventory enrol on a terminal", () => {
  it("shows the nodes and takes the lab's name for a yes", async () => {
    const { code, screen } = await enrol("lab\r");
    expect(screen).toMatch(/^here +sh -s +- +[0-9a-f]{32} +new/m);
    expect(screen).toContain('1 of 1 nodes of "lab" are enrolled');
    expect(code).toBe(0);
    expect(existsSync(join(folder, "lab.yaml.lock"))).toBe(true);
  });

  it.each([
    ["another name", "prod\r", 1],
    ["a plain yes", "y\r", 1],
    ["Ctrl-C", "\x03", 130],
    ["Ctrl-D", "\x04", 130],
  ])("enrols nothing on %s", async (_what, keys, exitCode) => {
    const { code, screen } = await enrol(keys);
    expect(screen).toContain("nothing was enrolled");
    expect(code).toBe(exitCode);
    expect(existsSync(join(folder, "lab.yaml.lock"))).toBe(false);
  });
});
