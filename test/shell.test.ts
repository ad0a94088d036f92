import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lines, quote, sh, trusted } from "../src/shell.ts";

/** The shells that a script may meet. The required ones must be installed, or these tests prove nothing. */
const REQUIRED = [["dash"], ["bash", "--posix"], ["bash"]] as const;
const OPTIONAL = [["busybox", "sh"]].filter(
  ([file = "", ...args]) => spawnSync(file, [...args, "-c", ":"]).status === 0,
);

const SHELLS = [...REQUIRED, ...OPTIONAL].map((argv) => [argv.join(" "), argv] as const);

/** Any text that a file name or a line of a configuration can hold: all of Unicode but NUL and lone surrogates. */
const anyText = fc
  .oneof(
    { weight: 3, arbitrary: fc.string({ unit: "binary" }) },
    {
      weight: 3,
      arbitrary: fc.string({ unit: fc.constantFrom(..."'\"\\$`!*?[]{}()<>|&;~#%^= \t\n\r-abE") }),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "",
        "-n",
        "-e",
        "--",
        "%s%d\\n",
        "\\0101\\c",
        "$(touch /tmp/x)",
        "`id`",
        "$HOME",
        "$'\\n'",
        "!!",
        "'",
        "''",
        "'\\''",
        "\\",
        "\\'",
        "a\n",
        "\n\n",
        "\r\n",
        "~root",
        "*",
        "\u001b[31m",
        "\u202egnp.exe",
        "é e\u0301 𝒌 🎉",
        "\u{10ffff}",
        "\ufeff",
      ),
    },
  )
  .filter((text) => !text.includes("\0"));

const manyTexts = fc.array(anyText, { minLength: 1, maxLength: 60 });

function run(argv: readonly string[], script: string): readonly string[] {
  const [file = "", ...args] = argv;
  const result = spawnSync(file, [...args, "-s"], {
    input: `${script}\n`,
    maxBuffer: 64 * 1024 * 1024,
    env: { PATH: process.env.PATH, LC_ALL: "C" },
  });
  expect(result.stderr.toString()).toBe("");
  expect(result.status).toBe(0);
  return result.stdout.toString("utf8").split("\0").slice(0, -1);
}

/** Prints each argument with a NUL behind it. The shell's own printf: no limit on an argument's size. */
const print = trusted("printf '%s\\0'");

describe.each(SHELLS)("%s", (_, argv) => {
  test("a quoted value is one word that expands to itself", () => {
    fc.assert(
      fc.property(manyTexts, (texts) => {
        const script = lines(...texts.map((text) => sh`${print} ${text}`));
        expect(run(argv, script.shell)).toEqual(texts);
      }),
      { numRuns: 1000 },
    );
  });

  test("a list is one word per item", () => {
    fc.assert(
      fc.property(manyTexts, (texts) => {
        expect(run(argv, sh`${print} ${texts}`.shell)).toEqual(texts);
      }),
      { numRuns: 100 },
    );
  });

  test("a value beside text is a part of its word", () => {
    fc.assert(
      fc.property(anyText, anyText, (one, two) => {
        expect(run(argv, sh`${print} a${one}b${two}c`.shell)).toEqual([`a${one}b${two}c`]);
      }),
      { numRuns: 100 },
    );
  });

  test("a script in a script in a script quotes again at each level", () => {
    fc.assert(
      fc.property(manyTexts, (texts) => {
        const inner = sh`${print} ${texts}`;
        const middle = sh`sh -c ${inner.shell}`;
        const outer = sh`sh -c ${middle.shell}`;
        expect(run(argv, outer.shell)).toEqual(texts);
      }),
      { numRuns: 100 },
    );
  });

  test("a value survives an assignment and a case pattern", () => {
    fc.assert(
      fc.property(manyTexts, (texts) => {
        const script = lines(
          ...texts.map(
            (text) => sh`value=${text}
case "$value" in ${text}) ${print} "$value" ;; *) echo differs >&2 ;; esac`,
          ),
        );
        expect(run(argv, script.shell)).toEqual(texts);
      }),
      { numRuns: 100 },
    );
  });

  test("a value of several megabytes", () => {
    const text = "it's \\ $(id)\n".repeat(300_000);
    expect(run(argv, sh`${print} ${text}`.shell)).toEqual([text]);
  });

  test("numbers and booleans", () => {
    expect(run(argv, sh`${print} ${-1} ${0.5} ${true} ${false} ${[1, "two"]}`.shell)).toEqual([
      "-1",
      "0.5",
      "yes",
      "no",
      "1",
      "two",
    ]);
  });
});

test("a NUL byte is refused wherever it stands", () => {
  fc.assert(
    fc.property(anyText, anyText, (before, after) => {
      const value = `${before}\0${after}`;
      expect(() => quote(value)).toThrow(RangeError);
      expect(() => sh`echo ${value}`).toThrow(RangeError);
      expect(() => sh`echo ${["fine", value]}`).toThrow(RangeError);
    }),
  );
});

test("a script inside a script is not quoted, and a backslash of the template stays one", () => {
  expect(sh`if true; then ${trusted("echo a")}; fi; printf '\n'`.shell).toBe(
    "if true; then echo a; fi; printf '\\n'",
  );
});

test("an empty list is no word", () => {
  expect(sh`a ${[]} b`.shell).toBe("a  b");
});
