import { spawnSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { fingerprint } from "../../src/fingerprint/fingerprint.ts";
import { framesOf } from "../../src/fingerprint/frames.ts";
import { scriptFor } from "../../src/fingerprint/script.ts";
import type { Section } from "../../src/fingerprint/section.ts";
import { lanes } from "../../src/fingerprint/sections.ts";
import { sh } from "../../src/shell.ts";
import type { Connection, Outcome } from "../../src/transport/transport.ts";

const marker = "0123456789abcdef";
const whole = scriptFor(lanes, marker);

function probe(script: ReturnType<typeof sh>, programs: readonly string[] = []): Section {
  return { name: "probe", programs, script, read: () => ({}) };
}

function run(shell: readonly string[], script: string): string {
  const [command = "", ...words] = shell;
  return spawnSync(command, [...words, "-s"], { input: script, encoding: "utf8" }).stdout;
}

describe("the script", () => {
  it("does nothing at all when it did not arrive as a whole", () => {
    // Cut at every line; the last line closes the compound command.
    const lines = whole.trimEnd().split("\n");
    for (let count = 1; count < lines.length; count += 7) {
      expect(run(["dash"], `${lines.slice(0, count).join("\n")}\n`)).toBe("");
    }
    expect(run(["dash"], `${lines.slice(0, -1).join("\n")}\n`)).toBe("");
  });

  it.each([["dash"], ["bash"], ["bash", "--posix"]])("can be parsed by %s %s", (...shell) => {
    const [command = "", ...words] = shell.filter((word) => word !== undefined);
    const checked = spawnSync(command, [...words, "-n", "-s"], { input: whole, encoding: "utf8" });
    expect([checked.status, checked.stderr]).toEqual([0, ""]);
  });

  it("does not say whose it is", () => {
    expect(whole.toLowerCase()).not.toContain("kbreak");
  });

  it("brings every byte of every section, however many write side by side", () => {
    const many = Array.from({ length: 20 }, (_, index) =>
      probe(sh`i=0; while [ $i -lt 3000 ]; do echo ${String(index)} $i; i=$((i + 1)); done`),
    );
    const lanes = Array.from({ length: 5 }, (_, index) => many.slice(index * 4, index * 4 + 4));
    const frames = framesOf(run(["dash"], scriptFor(lanes, marker)), marker, many.length);
    for (const [index, { data, status }] of frames.entries()) {
      const expected = Array.from({ length: 3000 }, (_, line) => `${index} ${line}\n`).join("");
      expect([status, data.toString()]).toEqual([0, expected]);
    }
  });

  it("tells a program that is missing, a reason, and a status", () => {
    const list = [
      probe(sh`echo never`, ["cat", "no-such-program"]),
      probe(sh`because 'it is Monday'; exit 1`),
      probe(sh`exit 7`),
    ];
    const frames = framesOf(run(["dash"], scriptFor([list], marker)), marker, list.length);
    expect(frames.map(({ because, status }) => [because, status])).toEqual([
      ["there is no no-such-program", undefined],
      ["it is Monday", 1],
      [undefined, 7],
    ]);
  });

  it("does not show its marker in the list of processes", () => {
    const [frames] = framesOf(run(["dash"], scriptFor([[probe(sh`ps -e -ww -o args=`)]], marker)), marker, 1);
    const awk = frames?.data.toString().match(/^awk .*ENVIRON.*$/m);
    expect(awk).not.toBeNull();
    expect(frames?.data.toString()).not.toContain(marker);
  });

  it("reads nothing from the standard input that it came by, and runs with a path of its own", () => {
    const list = [probe(sh`cat; echo "$PATH:$LC_ALL:$TZ"`)];
    const [frames] = framesOf(run(["dash"], `${scriptFor([list], marker)}\necho not for cat\n`), marker, 1);
    expect(frames?.data.toString()).toBe("/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin:C:UTC0\n");
  });
});

describe("its output", () => {
  const lane = `${marker} section 0\nhello`;
  const data = gzipSync(lane).toString("base64");

  it("is found between what start-up files print, with or without a newline", () => {
    const text = `Welcome!\nno newline${marker} data 0 ${data}\nnoise\n${marker} status 0 0\nbye ${marker} end\n`;
    expect(framesOf(text, marker, 1)[0]?.data.toString()).toBe("hello");
  });

  it("need not be packed", () => {
    const text = `${marker} data 0 ${Buffer.from(lane).toString("base64")}\n${marker} end\n`;
    expect(framesOf(text, marker, 1)[0]?.data.toString()).toBe("hello");
  });

  it("is refused when it ends early or is damaged", () => {
    expect(() => framesOf(`${marker} data 0 ${data}\n`, marker, 1)).toThrow(/ends early/);
    expect(() => framesOf(`${marker} data 0 ${data.slice(0, 12)}\n${marker} end\n`, marker, 1)).toThrow();
  });
});

describe("fingerprint", () => {
  const answering = (outcome: Outcome): Connection => ({
    node: "cp1",
    hostKey: undefined,
    run: () => Promise.resolve(outcome),
    close: () => Promise.resolve(),
  });

  it.each([
    [
      { kind: "unknown", reason: "lost", detail: "reset", stdout: "", stderr: "" },
      /cp1 did not end.*connection was lost/,
    ],
    [{ kind: "exited", code: 2, stdout: "", stderr: "no shell" }, /ended with status 2: no shell/],
    [
      { kind: "exited", code: 0, stdout: "hello", stderr: "" },
      /cannot be read: the script's output ends early/,
    ],
  ] as const)("says what became of the look: %j", async (outcome, message) => {
    await expect(fingerprint(answering(outcome))).rejects.toThrow(message);
    await expect(fingerprint(answering(outcome))).rejects.toMatchObject({ code: "remote", target: "cp1" });
  });
});
