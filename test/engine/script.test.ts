import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clockOf, LateError, nodeScript, parseFrames, runScript } from "../../src/engine/script.ts";
import { EnrolmentError, LockError } from "../../src/errors.ts";
import { writeFile } from "../../src/operations/constructors.ts";
import { type Shell, sh, trusted } from "../../src/shell.ts";
import { connectLocal } from "../../src/transport/local.ts";
import { type TestLab, useLab } from "../support/lab.ts";
import { applying, type Bench, openBench, prepare } from "../support/operations.ts";

const shells = ["dash", "bash"] as const;
const marker = "0123456789abcdef01234567";

let folder: string;
let lab: TestLab;
let bench: Bench;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "script-"));
  lab = await useLab();
  bench = await openBench(lab.node("w1"));
});

afterAll(async () => {
  await bench?.close();
  rmSync(folder, { recursive: true, force: true });
});

function run(shell: string, script: string | Buffer, env: NodeJS.ProcessEnv = process.env) {
  const { stdout, status } = spawnSync(shell, ["-s"], { input: script, env, encoding: "utf8" });
  return { stdout, status };
}

const said = (stdout: string, name: string) =>
  parseFrames(stdout, marker).find((frame) => frame.name === name)?.lines;

const telling = (body: Shell): Shell => ({ shell: `tell() {\n${body.shell}\n}\nframe 7 told tell` });

describe("a script that is cut does nothing", () => {
  const canary = () => join(folder, "canary");
  const body = () => sh`touch ${canary()}
printf '%s' ${"it's } \n} { done fi esac\n}\n鍵"} >> ${canary()}
{ touch ${canary()}; }`;

  it.each(shells)("%s: at any byte", (shell) => {
    const bytes = Buffer.from(nodeScript(body(), marker));
    const doneBy = (end: number) => {
      run(shell, bytes.subarray(0, end));
      return existsSync(canary());
    };
    const ends = [...bytes.entries()].filter(([, byte]) => byte === 10).map(([at]) => at + 1);
    for (const end of ends.slice(0, -1)) expect(doneBy(end), `cut at ${end}`).toBe(false);
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 2 }), (end) => !doneBy(end)),
      { numRuns: 150 },
    );
    expect(doneBy(bytes.length)).toBe(true);
    rmSync(canary());
  });

  it.each(shells)("%s: a real change, at the end of any line", async (shell) => {
    const path = join(folder, "changed");
    const prepared = await prepare({ ...bench, frames: local }, writeFile(path, "a\n}\nb'c"));
    const bytes = Buffer.from(nodeScript(applying(prepared), marker));
    const ends = [...bytes.entries()].filter(([, byte]) => byte === 10).map(([at]) => at + 1);
    for (const end of ends.slice(0, -1)) {
      run(shell, bytes.subarray(0, end));
      expect(existsSync(path), `cut at ${end}`).toBe(false);
    }
    run(shell, bytes);
    expect(existsSync(path)).toBe(true);
    rmSync(path);
  });
});

const local = (body: Shell) => runScript(connectLocal(), body, { deadline: 30_000 });

describe("an answer is found in noise", () => {
  it("before, between, after, and glued to it", async () => {
    const frames = await local(
      trusted(`
        printf 'noise without an end'
        one() { put a 1; printf 'glued'; }
        frame 1 one one
        printf 'more\\n= noise\\n'
        two() { put b 2; echo 'a word of the program' >&2; exit 3; }
        frame 2 two two
        printf 'rest'`),
    );
    expect(frames.find(({ name }) => name === "one")).toEqual({
      index: 1,
      name: "one",
      lines: ["=a 1", "glued"],
      code: 0,
    });
    expect(frames.find(({ name }) => name === "two")).toMatchObject({
      code: 3,
      lines: ["=b 2", "a word of the program"],
    });
  });

  it("of what a shell prints that was started with a file of its own", () => {
    const profile = join(folder, "profile");
    writeFileSync(profile, "printf 'welcome'; echo 0 begin\n");
    const { stdout } = run(
      "bash",
      `cat '${profile}' >/dev/null; printf 'welcome'\n${nodeScript(telling(sh`put a 1`), marker)}`,
    );
    expect(said(stdout, "told")).toEqual(["=a 1"]);
  });

  it.each<[string, string, unknown]>([
    ["an empty answer", "", []],
    ["noise only", "begin 1 a\nend 1 a 0\n", []],
    [
      "a frame without an end",
      `\n${marker} begin 1 a\n=x 1\n`,
      [{ index: 1, name: "a", lines: ["=x 1"], code: undefined }],
    ],
    [
      "a marker glued behind text",
      `abc${marker} begin 1 a\nx\ny${marker} end 1 a 0\n`,
      [{ index: 1, name: "a", lines: ["x"], code: 0 }],
    ],
    ["an end of nothing", `${marker} end 1 a 0\n`, []],
    [
      "an answer that is cut in the marker's line",
      `${marker} begin 1 a\nx\n${marker} en`,
      [{ index: 1, name: "a", lines: ["x"], code: undefined }],
    ],
    [
      "an answer that is cut in the exit code",
      `${marker} begin 1 a\nx\n\n${marker} end 1 a`,
      [{ index: 1, name: "a", lines: ["x"], code: undefined }],
    ],
  ])("%s", (_, output, frames) => {
    expect(parseFrames(output, marker)).toEqual(frames);
  });
});

describe("the environment is the script's own", () => {
  it.each(shells)("%s: whatever it was started with", (shell) => {
    const bin = join(folder, "bin");
    spawnSync("mkdir", ["-p", bin]);
    for (const name of ["cat", "sed", "env", "tr", "base64", "flock", "stat"]) {
      writeFileSync(join(bin, name), `#!/bin/sh\ntouch '${folder}/fooled'\n`);
      chmodSync(join(bin, name), 0o755);
    }
    const start = join(folder, "start");
    writeFileSync(start, `touch '${folder}/started'\n`);
    const poison = {
      ...{
        PATH: bin,
        IFS: "a/",
        BASH_ENV: "/dev/null",
        ENV: "/dev/null",
        TMOUT: "1",
        CDPATH: "/",
        LC_ALL: "xx",
        TZ: "Asia/Tokyo",
      },
      ...{
        LANG: "de_DE.UTF-8",
        POSIXLY_CORRECT: "1",
        TMPDIR: "/nowhere",
        GREP_OPTIONS: "-v",
        MARKER: "x",
        CONTENT: "y",
        now: "z",
      },
      ...{
        TIME_STYLE: "long-iso",
        QUOTING_STYLE: "c",
        BLOCK_SIZE: "1",
        LONG: "one\nMARKER=forged\nPATH=/none\nIFS=x",
        SYSTEMD_PAGER: "cat",
      },
      ...{
        "BASH_FUNC_cat%%": `() { touch '${folder}/fooled'; }`,
        "BASH_FUNC_sed%%": `() { touch '${folder}/fooled'; }`,
        "BASH_FUNC_stat%%": `() { touch '${folder}/fooled'; }`,
      },
    };
    const body = sh`put path "$PATH"
put zone "$(date +%Z)"
put words "$(set -- a b/c; printf '%s,' $*)"
put text "$(printf 'x\n' | cat | sed s/x/y/)"
put size "$(stat -c %s /dev/null)"
put left "$(env | cut -d= -f1 | sort | tr '\n' ' ')"`;
    const executable = spawnSync("sh", ["-c", `command -v ${shell}`], { encoding: "utf8" }).stdout.trim();
    const { stdout } = run(executable, nodeScript(telling(body), marker), poison);
    const told = Object.fromEntries(
      (said(stdout, "told") ?? []).map((line) => line.slice(1).split(/ (.*)/s)),
    );
    expect(told).toMatchObject({ zone: "UTC", words: "a,b/c,", text: "y", size: "0" });
    expect(told.path).toMatch(/^\/usr\/sbin:\/usr\/bin/);
    expect(
      told.left
        .split(" ")
        .filter(
          (name: string) => !["", "LC_ALL", "PATH", "TZ", "PWD", "OLDPWD", "SHLVL", "_"].includes(name),
        ),
    ).toEqual([]);
    expect(existsSync(join(folder, "fooled"))).toBe(false);
  });
});

describe("on a node", () => {
  it("another machine is refused before anything runs", async () => {
    const options = { machineId: "0".repeat(32), deadline: 10_000 };
    await expect(runScript(bench.connection, trusted("touch /run/canary"), options)).rejects.toThrow(
      EnrolmentError,
    );
    expect(await bench.run("ls /run/canary 2>/dev/null || echo none")).toBe("none\n");
  });

  it.each([
    [
      "that is late",
      async () => ({ boot: (await bench.run("cat /proc/sys/kernel/random/boot_id")).trim(), uptime: 1 }),
    ],
    ["for the time before a reboot", async () => ({ boot: "another", uptime: 1e9 })],
  ])("a script %s does nothing", async (_, expires) => {
    const options = { deadline: 10_000, expires: await expires() };
    await expect(runScript(bench.connection, trusted("touch /run/canary"), options)).rejects.toThrow(
      LateError,
    );
    expect(await bench.run("ls /run/canary 2>/dev/null || echo none")).toBe("none\n");
  });

  it("an answer has the node's time at the script's end, however long that took", async () => {
    const uptime = async () => Number((await bench.run("cut -d. -f1 /proc/uptime")).trim());
    const began = await uptime();
    expect(clockOf(await bench.frames(trusted("sleep 1.5")))?.uptime).toBeGreaterThan(began);
  });

  it("a script knows when it was sent, by kbreak's clock, and when it came, before it waits for the lock", async () => {
    const holder = await openBench(lab.node("w1"));
    await holder.run("setsid flock / sleep 3 </dev/null >/dev/null 2>&1 & sleep 0.1");
    const began = Date.now();
    const frames = await bench.frames(trusted('tell() { put came "$SENT $ARRIVED"; }\nframe 1 tell tell'));
    const ended = Date.now();
    const locked = Number(frames.find(({ name }) => name === "clock")?.lines[1]?.split(" ")[1]);
    const [sent = 0, arrived = 0] = (frames.find(({ name }) => name === "tell")?.lines[0] ?? "")
      .split(" ")
      .slice(1)
      .map(Number);
    expect(sent).toBeGreaterThanOrEqual(began);
    expect(sent).toBeLessThan(ended - 1000);
    expect(arrived).toBeLessThan(locked - 1);
    await holder.close();
  });

  it("a lock that is held is an error in time, and nothing runs", async () => {
    const holder = await openBench(lab.node("w1"));
    await holder.run("setsid flock / sleep 45 </dev/null >/dev/null 2>&1 & sleep 0.3");
    const began = performance.now();
    const options = { deadline: 10_000, patience: 2 };
    await expect(runScript(bench.connection, trusted("touch /run/canary"), options)).rejects.toThrow(
      LockError,
    );
    expect(performance.now() - began).toBeGreaterThan(1900);
    expect(await bench.run("ls /run/canary 2>/dev/null || echo none")).toBe("none\n");
    await holder.run("pkill -f '^sleep 45$' || :");
    await bench.frames(trusted(":"));
    await holder.close();
  });

  it("a script goes on to its end when its connection is gone, holding the lock until then", async () => {
    const cut = await openBench(lab.node("w1"));
    const script = trusted(`
      touch /run/began
      sleep 1
      talk() { head -c 1000000 /dev/zero | base64; put a 1; }
      frame 1 talk talk
      touch /run/ended`);
    const running = cut.frames(script).catch((error: unknown) => error);
    await bench.run("until [ -e /run/began ]; do sleep 0.05; done");
    await cut.close();
    await running;
    const frames = await bench.frames(
      trusted("look() { ls /run/ended; rm /run/began /run/ended; }\nframe 1 look look"),
    );
    expect(frames.find(({ name }) => name === "look")?.lines).toEqual(["/run/ended"]);
  });
});
