import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Desk, useDesk } from "./support.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await useDesk();
});
afterAll(() => desk?.end());

/** Both verbs say the same, and print no data. */
async function expectRefused(
  words: readonly string[],
  wanted: { readonly code: number; readonly says: readonly (string | RegExp)[] },
): Promise<void> {
  const ended = await Promise.all(
    [["plan"], ["apply", "--yes"]].map((verb) => desk.kbreak(...verb, ...words)),
  );
  for (const { code, stdout, stderr } of ended) {
    expect({ code, stdout }).toEqual({ code: wanted.code, stdout: "" });
    expect(stderr).toMatch(/^(✗ .*\n)*error: /);
    expect(stderr).not.toMatch(/^ +at .*\.js/m);
    for (const text of wanted.says) expect(stderr).toMatch(text);
  }
}

describe("breaks and parameters", () => {
  it.each([
    ["an unknown break", ["files/imutable"], /did you mean `files\/immutable`\?[\s\S]*kbreak breaks list/],
    [
      "an unknown parameter",
      ["files/immutable", "-p", "pth=/x"],
      /did you mean `path`\?[\s\S]*breaks show files/,
    ],
    [
      "a parameter without its value",
      ["files/immutable", "-p", "path"],
      /name=value[\s\S]*breaks show files/,
    ],
    ["a parameter twice", ["files/immutable", "-p", "path=/a", "-p", "path=/b"], /twice/],
    [
      "text for a number",
      ["network/latency", "-p", "delay=soon"],
      /whole number from 1 to 10000, not "soon"/,
    ],
    ["a number out of range", ["network/latency", "-p", "delay=0"], /whole number from 1 to 10000, not 0/],
    ["half a number", ["network/latency", "-p", "delay=1.5"], /whole number/],
    [
      "a list with a wrong item",
      ["network/latency", "-p", "ports=80,http"],
      /`ports\[?.*"http"|ports.*whole number/,
    ],
    ["a relative path", ["files/immutable", "-p", "path=etc/hosts"], /`path`[\s\S]*"etc\/hosts"/],
    ["--param for a playbook", ["playbooks/first-light.yaml", "-p", "a=b"], /--param is for a single break/],
    [
      "an unknown node",
      ["files/immutable", "-l", "cp9"],
      /no node, group or cluster `cp9`[\s\S]*kbreak inventory list/,
    ],
    [
      "an empty selection",
      ["files/immutable", "-l", "cp1,!cp1"],
      /selects no node[\s\S]*kbreak inventory list/,
    ],
  ])("%s is refused", (_what, words, says) => expectRefused(words, { code: 64, says: [says] }));

  it("a break for other roles is refused on a node that is named", () =>
    expectRefused(["files/immutable", "--limit", "w1"], {
      code: 1,
      says: [/it is for control-plane nodes, and w1 is a worker/, /nothing was touched; .*--limit/],
    }));

  it.each([
    ["absent", "/etc/kubernetes/manifests/nope.yaml", /is not there/],
    ["a symbolic link", "/etc/os-release", /is a symbolic link/],
    ["on a file system without flags", "/proc/version", /has no attribute flags/],
  ])("a path that is %s is refused", (_what, path, says) =>
    expectRefused(["files/immutable", "--limit", "cp1", "--param", `path=${path}`], {
      code: 1,
      says: [says],
    }),
  );
});

describe("playbooks", () => {
  const steps = "steps:\n  - break: files/immutable\n";
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]
${["b", "c", "d", "e", "f", "g", "h", "i"].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[index]}`)}]`).join("\n")}
name: x
${steps}`;

  it.each([
    ["malformed", "name: [x\nsteps: }", [/:\d+:\d+: /]],
    ["empty", "", [/the file is empty/]],
    ["with a key twice", `name: x\nname: y\n${steps}`, [/:2:1: .*(twice|duplicat|unique)/i]],
    ["a bomb of anchors", bomb, [/:\d+:\d+: /]],
    ["10 MB", `name: x\n${steps}# ${"x".repeat(10_000_000)}`, [/larger than 1 MiB/]],
    ["deep", `name: x\nsteps: ${"[".repeat(100_000)}`, [/nested more than/]],
    ["not text", Buffer.from([0xff, 0xfe, 0x00, 0x41]), [/no text file|not UTF-8/]],
    ["a list", "- a\n- b\n", [/:1:1: /]],
    [
      "with an unknown break",
      "name: x\nsteps:\n  - break: file/immutable\n",
      [/:3:12: unknown break `file\/immutable`, did you mean/],
    ],
    ["with an unknown key", `name: x\n${steps}    parms: {}\n`, [/:4:5: .*parms.*did you mean `params`/]],
    ["with a wrong type", `name: x\n${steps}    params: {path: 7}\n`, [/:4:\d+: .*path.*7/]],
    [
      "with many mistakes, all at once",
      "name: 7\nsteps:\n  - break: nope\n  - break: files/immutable\n    params: {pth: /x}\n",
      [/:1:7: /, /:3:12: unknown break/, /:5:\d+: .*pth/],
    ],
    [
      "that forbids what it does",
      "name: x\nrules: {forbid: [unicode]}\nsteps:\n  - break: files/unicode-doppelganger\n",
      [/:4:12: the playbook forbids `unicode`/],
    ],
  ])("%s is refused with its place", (_what, text, says) =>
    expectRefused([desk.write("playbook.yaml", text)], { code: 1, says }),
  );

  it("a bomb is refused at once", async () => {
    const began = performance.now();
    await desk.kbreak("plan", desk.write("bomb.yaml", bomb));
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it("one that is not there, a folder, a device", async () => {
    const folder = join(desk.folder, "folder.yaml");
    mkdirSync(folder);
    await expectRefused([join(desk.folder, "none.yaml")], {
      code: 1,
      says: [/none\.yaml.*there is no such file/],
    });
    await expectRefused([folder], { code: 1, says: [/folder\.yaml.*this is a folder/] });
    await expectRefused(["/dev/zero"], { code: 1, says: [/\/dev\/zero/] });
  });

  it("targets that nobody has", () =>
    expectRefused([desk.write("targets.yaml", `name: x\n${steps}    targets: cp1,db7\n`)], {
      code: 64,
      says: [/no node, group or cluster `db7`/, /kbreak inventory list/],
    }));

  it("two steps that own the same thing", () =>
    expectRefused([desk.write("same.yaml", `name: x\n${steps}  - break: files/immutable\n`)], {
      code: 1,
      says: [/both change \/etc\/kubernetes\/manifests\/kube-apiserver\.yaml/, /another path/],
    }));

  it("a goal that is not met before anything is broken", async () => {
    const goal = "goal: [{name: never, on: cp1, run: 'echo CANARY-goal; false'}]\n";
    const { code, stdout, stderr } = await desk.kbreak(
      ...["apply", "--yes", desk.write("goal.yaml", `name: x\n${goal}${steps}`)],
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/cp1: the goal "never" is not met before anything is broken/);
    expect(stderr).toMatch(/hint: repair the lab first/);
  });

  it("a playbook of which nothing can run", async () => {
    const file = desk.write(
      "optional.yaml",
      "name: x\nsteps:\n  - break: files/immutable\n    optional: true\n    params: {path: /nope}\n",
    );
    const { code, stdout, stderr } = await desk.kbreak("apply", "--yes", file);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/no step can run on any node\n.*\/nope is not there/);
    expect(await desk.openRuns()).toEqual([]);
  });
});

describe("inventories", () => {
  it.each([
    ["missing", undefined, [/there is no such file/]],
    ["malformed", "name: x\nnodes: [", [/:\d+:\d+: /]],
    ["without nodes", "name: x\n", [/nodes/]],
    ["with a wrong port", "name: x\nnodes: {a: {port: 99999}}", [/:2:\d+: .*port/]],
    ["with an unknown member", "name: x\nnodes: {cp1: {}}\ngroups: {g: [cp2]}", [/:3:\d+: unknown node/]],
  ])("%s", async (_what, text, says) => {
    const file = text === undefined ? join(desk.folder, "none") : desk.write("bad-inventory.yaml", text);
    await expectRefused(["files/immutable", "-i", file], { code: 1, says });
  });
});

it("no run was made and no node touched by any of it", async () => {
  expect((await desk.kbreak("runs", "list", "-o", "name")).stdout).toBe("");
  await desk.expectUntouched();
});
