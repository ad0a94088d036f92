import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { ConfigError } from "../src/errors.ts";
import { inventoryOf } from "../src/inventory/load.ts";
import { playbookFrom } from "../src/playbook/load.ts";
import { parseYaml, readYaml, type YamlDocument } from "../src/yaml.ts";
import { known } from "./playbook/known.ts";

const folder = mkdtempSync(join(tmpdir(), "yaml-"));
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

/** The problems as `line:column: message`; fails when the work succeeds or fails otherwise. */
async function problemsOf(work: Promise<unknown>): Promise<readonly string[]> {
  const failure = await work.catch((error: unknown) => error);
  if (!(failure instanceof ConfigError)) throw new Error("no ConfigError", { cause: failure });
  return failure.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

describe("a file that cannot be read", () => {
  it("is not there", async () => {
    expect(await problemsOf(readYaml(join(folder, "none")))).toEqual(["1:1: there is no such file"]);
  });

  it("is a folder", async () => {
    expect(await problemsOf(readYaml(folder))).toEqual(["1:1: this is a folder, not a file"]);
  });

  it("may not be read", async () => {
    const file = written("secret", "a: 1");
    chmodSync(file, 0);
    const before = process.geteuid?.() ?? -1;
    // Root may read everything, so the test is somebody else for a moment.
    if (before === 0) process.seteuid?.(65_534);
    try {
      expect(await problemsOf(readYaml(file))).toEqual(["1:1: it may not be read: permission denied"]);
    } finally {
      if (before === 0) process.seteuid?.(0);
    }
  });

  it.each([
    ["is not UTF-8", Buffer.from("a: 1\nb: é\n", "latin1"), "2:4: it is not UTF-8 text"],
    [
      "is not UTF-8 after other letters",
      Buffer.from([0xc3, 0xa9, 0x0a, 0xc3, 0xa9, 0xff]),
      "2:2: it is not UTF-8 text",
    ],
    ["ends within a letter", Buffer.from([0x61, 0xc3]), "1:2: it is not UTF-8 text"],
    ["is UTF-16", Buffer.from("a: 1", "utf16le"), "1:2: it holds a NUL byte: this is no text file"],
    ["holds a NUL", "a: 1\nb: x\0", "2:5: it holds a NUL byte: this is no text file"],
    ["is empty", "", "1:1: the file is empty"],
    ["holds comments only", "# nothing\n", "1:1: the file is empty"],
  ])("%s", async (name, content, problem) => {
    expect(await problemsOf(readYaml(written(name, content)))).toEqual([problem]);
  });

  it("is too large, and is refused at once", async () => {
    const file = written("large.yaml", `name: x\nsteps:\n${"  - break: files/immutable\n".repeat(400_000)}`);
    const took = await milliseconds(async () => {
      expect(await problemsOf(readYaml(file))).toEqual([
        "1:1: it is larger than 1 MiB, which no playbook or inventory is",
      ]);
    });
    expect(took).toBeLessThan(1000);
  });

  it("has no end", async () => {
    expect(await problemsOf(readYaml("/dev/zero"))).toEqual([
      "1:1: it is larger than 1 MiB, which no playbook or inventory is",
    ]);
  });
});

describe("a file that can be read", () => {
  it("has a byte order mark that counts as no column", async () => {
    const document = await readYaml(written("bom.yaml", "\ufeffname: x\n"));
    expect(document.value).toEqual({ name: "x" });
    const findings = [{ path: ["name"], at: "value", message: "m" }] as const;
    expect(document.problems(findings)).toMatchObject([{ line: 1, column: 7 }]);
  });

  it("is a pipe", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const reading = readYaml(pipe);
    execFileSync("sh", ["-c", 'printf "a: 1\\n" > "$1"', "sh", pipe]);
    expect((await reading).value).toEqual({ a: 1 });
  });

  it("is YAML 1.2: no words are booleans, no numbers are octal, no merging", async () => {
    const document = await parseYaml("f", "a: no\nb: 010\nc: &c {x: 1}\nd: {<<: *c}\n1: one\n");
    expect(document.value).toEqual({ a: "no", b: 10, c: { x: 1 }, d: { "<<": { x: 1 } }, 1: "one" });
  });

  it("keeps a property called __proto__ a property", async () => {
    const { value } = await parseYaml("f", "__proto__: {polluted: 1}\n");
    expect(Object.keys(value as object)).toEqual(["__proto__"]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe("YAML that is wrong", () => {
  it.each([
    [
      "an open bracket",
      "a: [1\nb: 2",
      /^2:1: not valid YAML: .*must be sufficiently indented and end with a \]/,
    ],
    ["a tab", "a:\n\tb: 1", /^2:1: not valid YAML: Tabs are not allowed as indentation/],
    ["an open quote", 'a: "x\n', /^2:1: not valid YAML: Missing closing "quote/],
    ["an unknown tag", "a: !secret x", /^1:4: not valid YAML: Unresolved tag: !secret/],
    ["a list as a key", "? [a]\n: b", /^1:3: not valid YAML: .*keys must be strings/],
    ["a second document", "a: 1\n---\nb: 1", /^2:1: a second document begins/],
    ["an unknown alias", "a: *b", /^1:4: no anchor `&b` comes before this alias$/],
    ["an alias of what holds it", "a: &a [*a]", /^1:8: an alias of something that it is part of/],
  ])("%s", async (_what, text, problem) => {
    const [first, ...more] = await problemsOf(parseYaml("f", text));
    expect(first).toMatch(problem);
    expect(more).toEqual([]);
  });

  it.each([
    ["lists", "["],
    ["mappings", "{a: "],
    ["entries", "- "],
    ["keys", "? "],
  ])("%s within each other without end", async (_what, text) => {
    const took = await milliseconds(async () => {
      const problems = await problemsOf(parseYaml("f", text.repeat(250_000)));
      expect(problems).toEqual([expect.stringMatching(/^1:\d+: nested more than 64 levels deep$/)]);
    });
    expect(took).toBeLessThan(1000);
  });

  it("aliases that multiply", async () => {
    const lines = Array.from({ length: 20 }, (_, n) => `k${n + 1}: &k${n + 1} [${`*k${n},`.repeat(9)}]`);
    const [problem] = await problemsOf(parseYaml("f", ["k0: &k0 x", ...lines].join("\n")));
    expect(problem).toMatch(/^1:1: cannot be read as YAML: Excessive alias count/);
  });

  it("many keys, one of them twice, in linear time", async () => {
    const keys = Array.from({ length: 80_000 }, (_, n) => `k${n}: 1`);
    const document = await parseYaml("f", [...keys, "k7: 2"].join("\n"));
    expect(document.problems([])).toEqual([
      { file: "f", line: 80_001, column: 1, message: "`k7` is there twice: first on line 8" },
    ]);
  }, 20_000);

  it("more mistakes than anybody reads", async () => {
    const problems = await problemsOf(parseYaml("f", `[${"!a x, ".repeat(500)}]`));
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toMatch(/and 400 more mistakes from here on$/);
  });
});

/** Text that is often nearly YAML, of the words and signs that our files are made of. */
const nearlyYaml = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ..."name nodes steps break params operations goal rules forbid groups clusters defaults cp1 null 1 ~".split(
          " ",
        ),
      ),
      fc.constantFrom(
        ": ",
        ":\n  ",
        "\n",
        "\n  - ",
        "- ",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&a ",
        "*a",
        "!!x ",
        "|\n ",
        ">",
      ),
      fc.constantFrom(
        "'",
        '"',
        "#",
        "%",
        "@",
        "---\n",
        "...\n",
        "\t",
        "\r\n",
        "__proto__",
        "constructor",
        "<<",
      ),
      fc.string({ unit: "binary", maxLength: 4 }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(""));

const anyValue = fc.object({
  key: fc.constantFrom(
    ..."name nodes steps break params operations kind goal rules forbid groups clusters defaults vars roles".split(
      " ",
    ),
  ),
  maxDepth: 5,
  values: [
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.string(),
    fc.constantFrom("files/immutable", "file", "cp1"),
  ],
});

const loaders: readonly ((document: YamlDocument) => Promise<unknown>)[] = [
  inventoryOf,
  (document) => playbookFrom(document, known),
];

async function isHandled(text: string): Promise<void> {
  for (const load of loaders) {
    await parseYaml("f", text)
      .then(load)
      .catch((error: unknown) => {
        if (!(error instanceof ConfigError)) throw error;
        for (const { line, column, message } of error.problems) {
          expect(line).toBeGreaterThan(0);
          expect(column).toBeGreaterThan(0);
          expect(message).not.toMatch(/undefined|\[object|something else/);
        }
      });
  }
}

describe("no text whatever", () => {
  it("ends otherwise than read or refused with positions", async () => {
    await fc.assert(fc.asyncProperty(nearlyYaml, isHandled), { numRuns: 300 });
  });

  it("of a wrong shape ends otherwise either", async () => {
    await fc.assert(
      fc.asyncProperty(anyValue, (value) => isHandled(JSON.stringify(value))),
      { numRuns: 300 },
    );
  });
});
