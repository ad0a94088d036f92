import { posix } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { quote } from "../../src/shell.ts";
import { on } from "../support/bench.ts";
import { type Desk, makeFolder, useDesk } from "./support.ts";

let desk: Desk;
let remove: () => Promise<void>;
beforeAll(async () => {
  desk = await useDesk();
});
beforeEach(async () => {
  remove = await makeFolder(desk.lab.node("cp1"), folder);
});
afterEach(async () => {
  await desk.kbreak("undo", "--all");
  await remove();
});
afterAll(() => desk?.end());

const cp1 = (script: string) => on(desk.lab.node("cp1"), script);
const folder = "/var/lib/desk";

const names: readonly (readonly [string, string])[] = [
  ["spaces", "  a  b "],
  ["a single quote", "it's"],
  ["double quotes", 'say "hi"'],
  ["a newline", "two\nlines"],
  ["a newline at the end", "end\n"],
  ["a command", "$(touch PWNED)"],
  ["backticks", "`touch PWNED`"],
  ["a variable", "$HOME $IFS"],
  ["leading dashes", "--reference=x"],
  ["a semicolon and a pipe", "x; touch PWNED | cat & #"],
  ["a backslash", "back\\slash\\n"],
  ["a glob", "[a-z]*?"],
  ["commas and signs", "a,b=c,d"],
  ["unicode", "zürich-日本-🙂"],
  ["a combining letter", "e\u0301"],
  ["a tab and an escape code", "tab\there\u001b[31mred"],
  ["a percent sign", "%s%n"],
  ["an exclamation mark", "!!"],
];

describe("a path is text and nothing else", () => {
  it.each(names)(
    "with %s: broken, seen, put back, and the terminal is not told anything",
    async (_what, name) => {
      const path = posix.join(folder, name);
      await cp1(`cd ${folder} && echo content >./${quote(name)} && touch -d 2020-01-01 ./${quote(name)} .`);
      const was = await cp1(`cd ${folder} && find . -printf '%p %m %s %T@\\0' | sort -z | base64`);
      const parameter = `path=${path}`;
      const plan = await desk.kbreak("plan", "files/immutable", "-l", "cp1", "-p", parameter);
      expect(plan.code).toBe(0);
      const applied = await desk.kbreak("apply", "--yes", "files/immutable", "-l", "cp1", "-p", parameter);
      expect({ code: applied.code, stderr: applied.stderr }).toMatchObject({ code: 0 });
      expect(await cp1(`lsattr -d -- ${quote(path)} | cut -d' ' -f1 | head -n 1`)).toContain("i");
      const status = await desk.kbreak("status", "--check");
      expect(status.code).toBe(0);
      const shown = await desk.kbreak("undo", "--plan");
      expect([shown.code, shown.stdout.trim().split("\n").length]).toEqual([0, 2]);
      const [run = ""] = await desk.openRuns();
      const log = await desk.kbreak("runs", "show", run);
      expect(log.code).toBe(0);
      const json = JSON.parse((await desk.kbreak("runs", "show", run, "-o", "json")).stdout);
      expect(json[1].operations[0].path).toBe(path);
      for (const { stdout, stderr } of [plan, applied, status, shown, log])
        expect(stdout + stderr).not.toContain("\u001b");
      expect((await desk.kbreak("undo")).code).toBe(0);
      expect(await cp1(`cd ${folder} && find . -printf '%p %m %s %T@\\0' | sort -z | base64`)).toBe(was);
      expect(await cp1(`find / -xdev -name '*PWNED' -not -path ${folder}/'*' | head`)).toBe("");
    },
  );

  it("a NUL byte is refused", async () => {
    const file = desk.write(
      "nul.yaml",
      'name: x\nsteps:\n  - break: files/immutable\n    params: {path: "/etc/a\\0b"}\n',
    );
    const { code, stderr } = await desk.kbreak("plan", file);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^(✗ .*\n)*error: /);
  });
});

describe("--param", () => {
  it("takes what is behind the first equals sign, commas and all", async () => {
    const { stdout } = await desk.kbreak(
      ...[
        "plan",
        "access/kubeconfig-exec-helper",
        "-p",
        "payload=a=1,b=2; echo 'x,y' >>/var/tmp/.auth-cache",
      ],
    );
    expect(stdout).toMatch(/a=1,b=2; echo .*x,y.* >>\/var\/tmp\/\.auth-cache/);
  });

  it("splits a list at its commas", async () => {
    const { stderr } = await desk.kbreak("plan", "network/latency", "-p", "ports=80, 443,70000", "-l", "cp1");
    expect(stderr).toMatch(/70000/);
    expect(stderr).not.toMatch(/"80|443"/);
  });
});
