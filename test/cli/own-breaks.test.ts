import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Desk, useDesk } from "./support.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await useDesk();
});
afterAll(() => desk?.end());

const greeting = `import { defineBreak, textPresent, writeFile } from "kbreak";

export default defineBreak({
  title: "Another greeting",
  summary: "The greeting after a login is another one, so that nobody knows where they are any more.",
  difficulty: "easy",
  source: "nobody",
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      text: { type: "string", default: "Welcome to production", description: "What it says." },
    },
    additionalProperties: false,
  },
  sees: "Another greeting than yesterday's.",
  hints: ["Who greets you?", "A file greets you.", "Look into /etc/motd"],
  find: ["cat /etc/motd"],
  fix: ["truncate -s 0 /etc/motd"],
  metric: "None: greetings are not counted.",
  prevention: "Keep the greeting in version control.",
  operations: ({ text }) => [writeFile("/etc/motd", text as string)],
  symptom: ({ text }) => textPresent("/etc/motd", text),
});
`;

it("a break of one's own is planned, applied, and undone when its module is gone", async () => {
  const own = join(desk.folder, "own");
  mkdirSync(join(own, "mine"), { recursive: true });
  desk.write("own/mine/greeting.ts", greeting);
  const playbook = desk.write(
    "mine.yaml",
    [
      "name: mine",
      "description: Where are we?",
      "difficulty: easy",
      "length: 5m",
      "hints: [Look around, Read what greets you]",
      "steps: [{ break: mine/greeting, targets: cp1, params: { text: moved } }]",
      "",
    ].join("\n"),
  );
  const unknown = await desk.kbreak("plan", playbook);
  expect(unknown.stderr).toMatch(/:6:18: unknown break `mine\/greeting`/);
  const planned = await desk.kbreak("plan", "mine/greeting", "--breaks", own, "--limit", "cp1");
  expect(planned).toMatchObject({ code: 0, stdout: expect.stringContaining("Welcome to production") });
  const withOwn = { KBREAK_BREAKS: own };
  const told = await desk.withEnv(withOwn, "plan", playbook);
  expect(told.stdout).toMatch(
    /^mine \(easy, 5m\)\nWhere are we\?\nhints:\n {2}1\. Look around\n {2}2\. Read what greets you\n\ncp1\n/,
  );
  const untold = await desk.withEnv(withOwn, "plan", playbook, "--spoilers", "no");
  expect(untold.stdout).toMatch(/^easy, 5m, 2 hints\n\ncp1: 1 to apply\n\nPlan: 1 break on 1 node\.\n$/);
  const applied = await desk.withEnv(withOwn, "apply", "--yes", "-o", "name", playbook);
  expect(applied, applied.stderr).toMatchObject({ code: 0 });
  rmSync(own, { recursive: true });
  const status = await desk.kbreak("status", "-o", "json");
  expect(JSON.parse(status.stdout)).toMatchObject([
    {
      hints: ["Look around", "Read what greets you"],
      steps: [{ target: "cp1", title: "mine/greeting", state: "in effect", symptom: "seen" }],
    },
  ]);
  expect((await desk.kbreak("status")).stdout).toMatch(/hints:\n {2}1\. Look around\n/);
  expect((await desk.kbreak("status", "--spoilers", "no")).stdout).not.toContain("Look around");
  expect(await desk.kbreak("undo")).toMatchObject({ code: 0 });
  await desk.expectUntouched();
});

it("a program that no operation of kbreak's own calls is looked for before anything is changed", async () => {
  const playbook = desk.write(
    "process.yaml",
    "name: x\nsteps:\n  - targets: cp1\n    operations: [{ kind: process, command: [no-such-program, x] }]\n",
  );
  const { code, stderr } = await desk.kbreak("apply", "--yes", playbook);
  expect(code).toBe(1);
  expect(stderr).toContain("missing on the node: no-such-program");
  await desk.expectUntouched();
});
