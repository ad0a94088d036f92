import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname, tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { lockTarget } from "../../src/engine/locks.ts";
import { LockError } from "../../src/errors.ts";
import { type Product, type Started, startNode, useProduct } from "../support/product.ts";

let product: Product;
let dataFolder: string;
let started: Started[] = [];

beforeAll(async () => {
  product = await useProduct();
});
afterAll(() => product?.remove());
beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), "kbreak-locks-"));
});
afterEach(async () => {
  for (const { child } of started) child.kill("SIGKILL");
  await Promise.all(started.map(({ ended }) => ended));
  started = [];
  rmSync(dataFolder, { recursive: true, force: true });
});

type Task =
  | { readonly verb: "take"; readonly machine: string }
  | {
      readonly verb: "abandon";
      readonly machines: readonly string[];
      readonly host?: string;
      readonly pid?: number;
    }
  | {
      readonly verb: "race";
      readonly machines: readonly string[];
      readonly from: number;
      readonly every: number;
    };

function locker(task: Task): Started {
  const one = startNode([
    resolve("test/engine/locker.js"),
    JSON.stringify({ product: product.folder, dataFolder, ...task }),
  ]);
  started.push(one);
  return one;
}

/** The first line that a process prints. */
function firstLine({ child }: Started): Promise<string> {
  return new Promise((resolve) => child.stdout?.once("data", (text: string) => resolve(text.trim())));
}

const abandon = (task: Omit<Extract<Task, { verb: "abandon" }>, "verb">) =>
  locker({ verb: "abandon", ...task }).ended;

const take = (machine: string, run = "mine") => lockTarget(dataFolder, "cp1", machine, run);

/** The error of trying to take a lock, or `undefined` when it was taken. */
function refusal(machine: string): LockError | undefined {
  try {
    take(machine)();
    return undefined;
  } catch (error) {
    if (error instanceof LockError) return error;
    throw error;
  }
}

describe("one target's lock", () => {
  it("goes to one of two processes, and the other is told who has it and what to do", async () => {
    const holder = locker({ verb: "take", machine: "m" });
    expect(await firstLine(holder)).toBe("taken");
    const { pid } = holder.child;
    const error = refusal("m");
    expect(error?.message).toBe(
      `cp1 is being worked on by run run-of-${pid} of ${userInfo().username}@${hostname()} (pid ${pid})`,
    );
    expect(error?.hint).toBe("wait until it has ended");
    expect(error?.exitCode).toBe(1);
  });

  it("is not taken twice by one process either", () => {
    const release = take("m");
    expect(refusal("m")?.message).toContain(`pid ${process.pid}`);
    release();
    expect(refusal("m")).toBeUndefined();
  });

  it("is no lock on another target", () => {
    const release = take("m");
    expect(refusal("other")).toBeUndefined();
    release();
  });

  it("leaves no file behind when it is released, and when it was refused", () => {
    const release = take("m");
    refusal("m");
    release();
    expect(readdirSync(join(dataFolder, "locks"))).toEqual([]);
  });

  it("a second release takes nothing from the next holder", () => {
    const first = take("m");
    first();
    const second = take("m");
    first();
    expect(refusal("m")).toBeInstanceOf(LockError);
    second();
  });
});

describe("a lock that was left", () => {
  it("by a process that was killed is taken over", async () => {
    await abandon({ machines: ["m"] });
    expect(refusal("m")).toBeUndefined();
    expect(readdirSync(join(dataFolder, "locks"))).toEqual([]);
  });

  it("by a killed process for which nobody has waited is taken over", async () => {
    const words = [
      resolve("test/engine/locker.js"),
      JSON.stringify({ product: product.folder, dataFolder, verb: "take", machine: "m" }),
    ];
    // A parent that is blocked for ever never asks what became of its child.
    const parent = startNode([
      "--eval",
      `require("node:child_process").spawn(process.execPath, ${JSON.stringify(words)}, { stdio: "inherit" });
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`,
    ]);
    started.push(parent);
    expect(await firstLine(parent)).toBe("taken");
    const pid = Number(/pid (\d+)/.exec(refusal("m")?.message ?? "")?.[1]);
    process.kill(pid, "SIGKILL");
    await expect.poll(() => refusal("m")).toBeUndefined();
  });

  it("by a process whose pid is another one's now is taken over", async () => {
    await abandon({ machines: ["m"], pid: process.pid });
    expect(refusal("m")).toBeUndefined();
  });

  it("by a process of another host is respected: nobody here can tell whether it lives", async () => {
    await abandon({ machines: ["m"], host: "elsewhere" });
    expect(refusal("m")?.message).toContain("@elsewhere (pid ");
  });
});

describe("twenty processes at once", () => {
  const machines = Array.from({ length: 60 }, (_, round) => `m${round}`);
  const race = async () => {
    const from = Date.now() + 3_000;
    const racers = machines.slice(0, 20).map(() => locker({ verb: "race", machines, from, every: 40 }));
    const ended = await Promise.all(racers.map((one) => one.ended));
    const results = ended.map(
      ({ stdout }) => JSON.parse(stdout) as { won: number; lost: number; wrong: readonly string[] },
    );
    return {
      wrong: results.flatMap((one) => one.wrong),
      won: results.reduce((sum, one) => sum + one.won, 0),
      lost: results.reduce((sum, one) => sum + one.lost, 0),
    };
  };

  it.each([
    ["a stale lock", true],
    ["a free lock", false],
  ])("never hold %s together, and never all lose it", async (_, stale) => {
    if (stale) await abandon({ machines });
    const { wrong, won, lost } = await race();
    expect(wrong).toEqual([]);
    expect(won).toBeGreaterThanOrEqual(machines.length);
    expect(lost).toBeGreaterThan(0);
    expect(readdirSync(join(dataFolder, "locks"))).toEqual([]);
  });
});
