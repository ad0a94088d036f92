import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { quote } from "../../src/shell.ts";
import { on } from "../support/bench.ts";
import { type Desk, plainText, useDesk } from "./support.ts";

let desk: Desk;
let children: ChildProcess[] = [];
beforeAll(async () => {
  desk = await useDesk();
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
});
afterAll(() => desk?.end());

interface Session {
  readonly code: number | null;
  readonly screen: string;
}

/** Runs kbreak on a terminal of its own, and types `keys` when `prompt` is on the screen. */
function onTerminal(
  words: readonly string[],
  typed: { readonly prompt: string; readonly keys: string } | undefined,
  env: NodeJS.ProcessEnv = {},
): Promise<Session> {
  const command = [process.execPath, join(desk.product.folder, "src/cli/main.js"), ...words];
  // A terminal that nobody looks at has no size.
  const line = `stty rows 40 cols 120; exec ${command.map(quote).join(" ")}`;
  const child = spawn("script", ["-qec", line, "/dev/null"], {
    env: { ...desk.env, TERM: "xterm", ...env },
  });
  children.push(child);
  return new Promise((resolve, reject) => {
    let screen = "";
    let done = typed === undefined;
    child.stdout.on("data", (chunk: Buffer) => {
      screen += chunk.toString("utf8");
      if (done || typed === undefined || !plainText(screen).includes(typed.prompt)) return;
      done = true;
      child.stdin.write(typed.keys);
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, screen }));
  });
}

const apply = ["apply", "files/immutable", "--limit", "cp1"];
const prompt = "Break 1 node of the lab";
const flags = async () =>
  (await on(desk.lab.node("cp1"), "lsattr -d /etc/kubernetes/manifests/kube-apiserver.yaml")).split(" ")[0];

describe("kbreak apply on a terminal", () => {
  it.each([
    ["no", "n", 1, "not confirmed; nothing was changed"],
    ["Enter, as no is the default", "\r", 1, "not confirmed; nothing was changed"],
    ["Escape", "\u001b", 130, "interrupted; nothing was changed"],
    ["Ctrl-C", "\u0003", 130, "interrupted; nothing was changed"],
  ])("changes nothing on %s", async (_what, keys, exitCode, says) => {
    const { code, screen } = await onTerminal(apply, { prompt, keys });
    expect(plainText(screen)).toContain("chattr +i /etc/kubernetes/manifests/kube-apiserver.yaml");
    expect(plainText(screen)).toContain(says);
    expect(code).toBe(exitCode);
    expect(await desk.openRuns()).toEqual([]);
    expect(await flags()).not.toContain("i");
  });

  it("shows the plan, asks, breaks on y, with colours and the nodes' progress", async () => {
    const { code, screen } = await onTerminal(apply, { prompt, keys: "y" });
    expect(code).toBe(0);
    expect(await flags()).toContain("i");
    const text = plainText(screen);
    expect(text.indexOf("Plan: 1 break on 1 node.")).toBeLessThan(text.indexOf(prompt));
    expect(screen).toContain("\u001b[31m");
    expect(text).toMatch(/… cp1 {2}files\/immutable/);
    expect(text).toMatch(/✓ cp1 {2}files\/immutable {2}done {2}\d+\.\d s/);
    expect(text).toContain("To put everything back: kbreak undo ");

    const undo = await onTerminal(["undo"], undefined);
    expect(undo.code).toBe(0);
    expect(plainText(undo.screen)).toMatch(/✓ cp1 {2}undo {2}done/);
    await desk.expectUntouched();
  });

  it.each([
    ["NO_COLOR", [], { NO_COLOR: "1" }],
    ["--no-color", ["--no-color"], {}],
  ])("%s takes the colours away", async (_what, more, env) => {
    const { code, screen } = await onTerminal(["plan", "files/immutable", ...more], undefined, env);
    expect(code).toBe(0);
    // Colours and weights, as against the cursor's movements.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes begin with one
    expect(screen).not.toMatch(/\u001b\[[0-9;]*m/);
  });

  it("CI has lines and nothing that moves", async () => {
    const { screen } = await onTerminal(["plan", "files/immutable"], undefined, { CI: "true" });
    expect(plainText(screen)).not.toContain("… cp1");
    expect(plainText(screen)).toMatch(/✓ cp1 {2}read {2}done/);
  });

  it("asks for the lab's name when its nodes are new, and breaks nothing without it", async () => {
    const file = desk.inventory({ cp1: { enrolled: false } });
    const { code, screen } = await onTerminal(["apply", "files/immutable", "-i", file], {
      prompt: "Type the lab's name",
      keys: "prod\r",
    });
    expect(plainText(screen)).toContain("nothing was enrolled");
    expect(code).toBe(1);
    expect(await desk.openRuns()).toEqual([]);
  });
});

describe("kbreak status --watch on a terminal", () => {
  it("ends when all is fixed, says nothing of listeners, and its times are in the run", async () => {
    expect((await desk.kbreak("apply", "--yes", "files/immutable")).code).toBe(0);
    const [run = ""] = await desk.openRuns();
    const watching = onTerminal(["status", "--watch"], undefined);
    await expect
      .poll(async () => (await desk.kbreak("runs", "show", run)).stdout, { timeout: 20_000 })
      .toMatch(/observed +cp1 +step 1: in effect/);
    await on(desk.lab.node("cp1"), "chattr -i /etc/kubernetes/manifests/kube-apiserver.yaml");
    const { code, screen } = await watching;
    expect(code).toBe(0);
    expect(plainText(screen)).toMatch(/cp1 +files\/immutable +fixed +quiet/);
    expect((await desk.kbreak("runs", "show", run)).stdout).toMatch(/observed +cp1 +step 1: fixed/);
    expect((await desk.kbreak("undo")).code).toBe(0);
    await desk.expectUntouched();
  });
});
