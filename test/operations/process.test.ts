import { afterAll, beforeAll, expect, it } from "vitest";
import { UnknownOutcomeError } from "../../src/engine/script.ts";
import { process, writeFile } from "../../src/operations/constructors.ts";
import { lines, sh } from "../../src/shell.ts";
import { useLab } from "../support/lab.ts";
import {
  apply,
  applying,
  type Bench,
  everyDeath,
  expectInEffect,
  expectRestored,
  look,
  openBench,
  prepare,
  refusal,
  restore,
  roundTrip,
  undo,
} from "../support/operations.ts";

let bench: Bench;
let another: Bench;

beforeAll(async () => {
  const node = (await useLab()).node("w1");
  bench = await openBench(node);
  another = await openBench(node);
});

afterAll(async () => {
  await bench.close();
  await another.close();
});

const command = ["sleep", "86399"];
const count = async (pattern = "^sleep 86399$") =>
  Number((await another.run(`pgrep -fc -- '${pattern}' || :`)).trim());
const evidence = "ps -eo args= | grep -c '[s]leep 86399' || :";

it("is started, is found and is ended", async () => {
  await roundTrip(bench, {
    operations: [process(...command)],
    evidence,
    meanwhile: async () => expect(await count()).toBe(1),
  });
});

it("is found by its token when its start was never answered", async () => {
  const prepared = await prepare(bench, process(...command));
  await expect(bench.frames(lines(applying(prepared), sh`kill -KILL 0`))).rejects.toThrow(
    UnknownOutcomeError,
  );
  expect(await count()).toBe(1);
  expect(await undo(bench, prepared)).toEqual(["still broken"]);
  expect(await count()).toBe(0);
});

it("killed anywhere, it leaves none behind", async () => {
  expect(await everyDeath(bench, { operations: [process(...command)], evidence })).toBeGreaterThan(0);
});

it("one of several with the same command line is told from the others", async () => {
  const [first, second] = [
    await prepare(bench, process(...command)),
    await prepare(bench, process(...command)),
  ];
  await bench.run("setsid sleep 86399 </dev/null >/dev/null 2>&1 &");
  await apply(bench, first);
  await apply(bench, second);
  expect(await count()).toBe(3);
  expectRestored(first, await restore(bench, first));
  expect(await count()).toBe(2);
  expectRestored(second, await restore(bench, second));
  expect(await count()).toBe(1);
  await bench.run("pkill -f '^sleep 86399$'");
});

it("that ignores TERM, or is stopped, ends all the same", async () => {
  for (const script of ["trap '' TERM; while :; do sleep 0.1; done", "kill -STOP $$; sleep 86398"]) {
    const prepared = await prepare(bench, process("sh", "-c", script, "stubborn"));
    await apply(bench, prepared);
    expect(await count("stubborn$")).toBe(1);
    expectRestored(prepared, await restore(bench, prepared));
    expect(await count("stubborn$")).toBe(0);
  }
});

it("takes what it started itself along", async () => {
  const prepared = await prepare(bench, process("sh", "-c", "setsid sleep 86397 & exec sleep 86399"));
  await apply(bench, prepared);
  expect(await count("^sleep 8639")).toBe(2);
  expectRestored(prepared, await restore(bench, prepared));
  expect(await count("^sleep 8639")).toBe(0);
});

it("outlives the login that started it, holds no lock, and has the signals of any other process", async () => {
  const login = await openBench((await useLab()).node("w1"));
  const prepared = await prepare(login, process(...command));
  expectInEffect(prepared, await apply(login, prepared));
  await login.close();
  expectInEffect(prepared, {
    changes: [{ kind: "done" }],
    states: await look(another, prepared),
    complaints: [],
  });
  const ignored = await another.run(
    `for pid in $(pgrep -f '^sleep 86399$'); do sed -n 's/^SigIgn:[[:space:]]*//p' /proc/$pid/status; ls -l /proc/$pid/fd; done`,
  );
  // A shell that starts something in the background ignores INT and QUIT for it.
  expect(Number.parseInt(ignored, 16)).toBe(0b110);
  expect(ignored).not.toMatch(/ -> \/$/m);
  expectRestored(prepared, await restore(another, prepared));
});

it("gets its arguments as they are", async () => {
  const odd = ["it's", '"$(touch /canary)"', "-x", "", "a\nb", "\\n", "%s", "*"];
  const prepared = await prepare(bench, process("sh", "-c", "sleep 86396; :", ...odd));
  await apply(bench, prepared);
  const got = await another.run(
    "tr '\\0' '|' < /proc/$(pgrep -f '86396; :' | head -n 1)/cmdline; ls /canary 2>&1 || :",
  );
  expect(got).toContain(`|${odd.join("|")}|`);
  expect(got).toContain("No such file");
  expectRestored(prepared, await restore(bench, prepared));
});

it("a program that is not there is refused, unless an operation before it makes it", async () => {
  expect(await refusal(bench, process("no-such-program"))).toMatch(/no program/);
  const script = writeFile("/usr/local/bin/odd-job", "#!/bin/sh\nsleep 86395\n", { mode: "0755" });
  await roundTrip(bench, {
    operations: [script, process("/usr/local/bin/odd-job")],
    evidence: "find /usr/local/bin -printf '%p %m %T+\\n'",
  });
});

it("a program that ends at once is found out", async () => {
  const prepared = await prepare(bench, process("true"));
  await apply(bench, prepared);
  await expect.poll(async () => (await look(bench, prepared))[0]?.values.running).toBe("no");
  await undo(bench, prepared);
});
