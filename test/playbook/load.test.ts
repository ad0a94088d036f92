import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadPlaybook, playbookFrom } from "../../src/playbook/load.ts";
import { parseYaml } from "../../src/yaml.ts";
import { known } from "./known.ts";
import { problemsOf } from "./problems.ts";

const folder = mkdtempSync(join(tmpdir(), "playbook-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A playbook whose steps are `lines`; the first of them is line 3. */
const steps = (...lines: readonly string[]) => ["name: x", "steps:", ...lines].join("\n");

const mistakes: readonly (readonly [what: string, text: string, problems: readonly string[]])[] = [
  ["no steps", "name: x\n", ["1:1: missing `steps`"]],
  ["empty steps", "name: x\nsteps: []\n", ["2:8: `steps` must have at least 1 item"]],
  ["a list", "- break: files/immutable\n", ["1:1: the file must be a mapping, not a list"]],
  [
    "an unknown break",
    steps("  - break: file/immutable"),
    ["3:12: unknown break `file/immutable`, did you mean `files/immutable`?"],
  ],
  ["an unknown break like no other", steps("  - break: zzz"), ["3:12: unknown break `zzz`"]],
  ["a misspelt property", steps("  - brake: x"), ["3:5: unknown property `brake`, did you mean `break`?"]],
  ["a step of nothing", steps("  - name: x"), ["3:5: missing `break` or `operations`"]],
  [
    "a step that is text",
    steps("  - files/immutable"),
    ['3:5: item 1 of `steps` must be a mapping, not "files/immutable"'],
  ],
  [
    "a step of both",
    steps("  - break: files/immutable", "    operations: [{kind: file, path: /x, content: x}]"),
    ["3:5: `break` and `operations` exclude each other"],
  ],
  [
    "params of operations",
    steps("  - operations: [{kind: file, path: /x, content: x}]", "    params: {}"),
    ["3:5: `params` needs `break` beside it"],
  ],
  [
    "a parameter of the wrong type",
    steps("  - break: files/immutable", "    params:", "      delay: soon", "      deep: 1"),
    [
      '5:14: `delay` must be a whole number from 1 to 3600, not "soon"',
      "6:13: `deep` must be true or false, not 1",
    ],
  ],
  [
    "an unknown parameter",
    steps("  - break: files/immutable", "    params: { pathh: /x }"),
    ["4:15: unknown property `pathh`, did you mean `path`?"],
  ],
  [
    "a parameter that is none of its values",
    steps("  - break: files/immutable", "    params: { level: hihg }"),
    ['4:22: `level` must be one of "low", "high", not "hihg", did you mean `high`?'],
  ],
  [
    "an item of a list",
    steps("  - break: files/immutable", "    params: { ports: [1, 0] }"),
    ["4:26: item 2 of `ports` must be a whole number from 1, not 0"],
  ],
  [
    "params that are a list",
    steps("  - break: files/immutable", "    params: []"),
    ["4:13: `params` must be a mapping, not a list"],
  ],
  [
    "an unknown operation",
    steps("  - operations:", "      - kind: fiel"),
    ["4:15: unknown kind of operation `fiel`, did you mean `file`?"],
  ],
  ["an operation of no kind", steps("  - operations:", "      - path: /x"), ["4:9: missing `kind`"]],
  [
    "wrong data of an operation",
    steps(
      "  - operations:",
      "      - kind: file",
      "        path: 7",
      "        content: x",
      "        contnet: x",
    ),
    [
      "5:15: `path` must be text that matches ^/[^\\u0000]+$, not 7 (put it in quotes)",
      "7:9: unknown property `contnet`, did you mean `content`?",
    ],
  ],
  [
    "a forbidden danger",
    ["name: x", "rules: {forbid: [unicode]}", "steps: [{break: files/unicode-doppelganger}]"].join("\n"),
    [
      "3:17: the playbook forbids `unicode`, but `files/unicode-doppelganger` uses characters that look like others",
    ],
  ],
  [
    "an unknown danger",
    ["name: x", "rules: {forbid: [unicod]}", "steps: [{break: files/immutable}]"].join("\n"),
    [
      '2:18: item 1 of `forbid` must be one of "lockout", "brick", "data-loss", "unicode", not "unicod", did you mean `unicode`?',
    ],
  ],
  [
    "no hints",
    ["name: x", "hints: []", "steps: [{break: files/immutable}]"].join("\n"),
    ["2:8: `hints` must have at least 1 item"],
  ],
  [
    "a hint twice",
    steps("  - break: files/immutable", "hints: [look, look]"),
    ['4:15: `hints` has "look" twice'],
  ],
  [
    "a goal without a command",
    ["name: x", "goal:", "  - name: api", "    on: cp1", "steps: [{break: files/immutable}]"].join("\n"),
    ["3:5: missing `http` or `run` or `kubectl`"],
  ],
  [
    "a key twice, a wrong value and an unknown break at once",
    ["name: x", "name: y", "length: long", "steps:", "  - break: file/immutable", "    optional: maybe"].join(
      "\n",
    ),
    [
      "2:1: `name` is there twice: first on line 1",
      '3:9: `length` must be a number of minutes or hours, such as 45m or 2h, not "long"',
      "5:12: unknown break `file/immutable`, did you mean `files/immutable`?",
      '6:15: `optional` must be true or false, not "maybe"',
    ],
  ],
];

describe("a playbook with", () => {
  it.each(mistakes)("%s", async (_what, text, problems) => {
    expect(await problemsOf(text)).toEqual(problems.map((problem) => `p.yaml:${problem}`));
  });
});

describe("loadPlaybook", () => {
  it("fills all defaults in", async () => {
    const file = join(folder, "p.yaml");
    writeFileSync(
      file,
      [
        "name: First light",
        "hints: [Look around.]",
        "rules: {forbid: [brick]}",
        "goal: [{name: healthy, on: control-plane, run: 'kubectl get --raw /readyz', contains: ok}]",
        "steps:",
        "  - break: files/immutable",
        "    params: {delay: 9}",
        "  - name: Our own",
        "    operations: [{kind: file, path: /etc/motd, content: hello}]",
        "    targets: w*",
        "    optional: true",
      ].join("\n"),
    );
    expect(await loadPlaybook(file, known)).toEqual({
      name: "First light",
      description: "",
      difficulty: undefined,
      length: undefined,
      story: "",
      hints: ["Look around."],
      rules: { forbid: ["brick"] },
      goal: [
        {
          name: "healthy",
          on: "control-plane",
          run: "kubectl get --raw /readyz",
          contains: "ok",
          deadline: 30,
        },
      ],
      steps: [
        {
          name: "files/immutable",
          targets: "all",
          optional: false,
          break: "files/immutable",
          params: {
            path: "/etc/kubernetes/admin.conf",
            delay: 9,
            ratio: 0.5,
            deep: false,
            ports: [2379, 2380],
            level: "low",
          },
        },
        {
          name: "Our own",
          targets: "w*",
          optional: true,
          operations: [{ kind: "file", path: "/etc/motd", content: "hello" }],
        },
      ],
    });
  });

  it("does not share a default between two steps", async () => {
    const text = steps("  - break: files/immutable", "  - break: files/immutable");
    const playbook = await playbookFrom(await parseYaml("p", text), known);
    const [one, two] = playbook.steps.map((step) => ("params" in step ? step.params.ports : undefined));
    expect(one).toEqual(two);
    expect(one).not.toBe(two);
  });
});
