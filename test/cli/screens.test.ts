import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Ended, type Product, startNode, useProduct } from "../support/product.ts";

let product: Product;
let folder: string;

beforeAll(async () => {
  product = await useProduct();
  folder = mkdtempSync(join(tmpdir(), "kbreak-screens-"));
});
afterAll(() => {
  product?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const main = () => join(product.folder, "src/cli/main.js");

function kbreakWith(env: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<Ended> {
  const { KBREAK_INVENTORY, CI, NO_COLOR, ...plain } = process.env;
  return startNode([main(), ...words], { ...plain, KBREAK_DATA_DIR: join(folder, "data"), ...env }).ended;
}
const kbreak = (...words: readonly string[]) => kbreakWith({}, ...words);

/** The verbs below `Commands:`. */
function verbsOf(help: string): readonly string[] {
  const list = help.split(/^Commands:$/m)[1]?.split(/\n\n/)[0] ?? "";
  return [...list.matchAll(/^ {2}([a-z]+)/gm)].map((match) => match[1] ?? "");
}

/** Every path of words that leads to a verb. */
async function everyVerb(...path: readonly string[]): Promise<readonly (readonly string[])[]> {
  const { stdout } = path.length === 0 ? await kbreak("help", "--all") : await kbreak(...path, "--help");
  const deeper = await Promise.all(verbsOf(stdout).map((verb) => everyVerb(...path, verb)));
  return [...(path.length === 0 ? [] : [path]), ...deeper.flat()];
}

describe("the first screen", () => {
  it("begins with examples and shows five verbs", async () => {
    const { code, stdout, stderr } = await kbreak("--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.indexOf("Examples:")).toBeLessThan(stdout.indexOf("Usage:"));
    expect(verbsOf(stdout)).toEqual(["lab", "apply", "status", "undo", "breaks"]);
    expect(stdout).toContain("kbreak help --all");
  });

  it("help --all shows every verb, and no hidden one", async () => {
    const { stdout } = await kbreak("help", "--all");
    expect(verbsOf(stdout)).toEqual(
      expect.arrayContaining([
        "lab",
        "plan",
        "runs",
        "inventory",
        "validate",
        "diff",
        "doctor",
        "completion",
      ]),
    );
    expect(verbsOf(stdout)).not.toContain("complete");
  });

  it("the help of each verb has an example of that verb", async () => {
    const verbs = await everyVerb();
    expect(verbs.length).toBeGreaterThan(20);
    for (const path of verbs) {
      const { code, stdout } = await kbreak(...path, "--help");
      expect({ path, code }).toEqual({ path, code: 0 });
      expect(stdout).toMatch(new RegExp(`Examples:[\\s\\S]*kbreak ${path.join(" ")}\\b`));
      expect((await kbreak("help", ...path)).stdout).toBe(stdout);
    }
  });

  it("--version is the package's", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(await kbreak("--version")).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("bare kbreak says that nothing is broken and what to type next", async () => {
    const { code, stdout } = await kbreak();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Nothing is broken\./);
    expect(stdout).toContain("kbreak lab up");
  });

  it("starts about as fast as Node does", () => {
    const best = (words: readonly string[]) =>
      Math.min(
        ...Array.from({ length: 7 }, () => {
          const began = performance.now();
          spawnSync(process.execPath, words);
          return performance.now() - began;
        }),
      );
    const [node, help] = [best(["-e", "0"]), best([main(), "--help"])];
    process.stdout.write(
      `kbreak --help ${help.toFixed(0)} ms, node -e 0 ${node.toFixed(0)} ms, ratio ${(help / node).toFixed(2)}\n`,
    );
    expect(help / node).toBeLessThan(3);
  });
});

describe("a wrong command line ends with 64, says why, and what to type", () => {
  it.each([
    ["an unknown verb", ["aply"], "unknown command `aply`, did you mean `apply`?", "kbreak help --all"],
    ["a break for a verb", ["files/immutable"], "unknown command", "kbreak apply files/immutable"],
    ["an unknown verb of a group", ["lab", "upp"], "unknown command 'upp'", "kbreak lab --help"],
    ["help for an unknown verb", ["help", "lab", "upp"], "did you mean `up`?", "kbreak help --all"],
    ["an unknown option", ["apply", "x", "--ys"], "Did you mean --yes?", "kbreak apply --help"],
    ["a missing argument", ["plan"], "missing required argument", "kbreak plan --help"],
    ["too many arguments", ["status", "a", "b"], "too many arguments", "kbreak status --help"],
    [
      "an unknown format",
      ["plan", "x", "-o", "xml"],
      "Allowed choices are table, json.",
      "kbreak plan --help",
    ],
    ["an unknown shell", ["completion", "tcsh"], "bash, zsh, fish", "kbreak completion --help"],
    ["no number of forks", ["undo", "--forks", "many"], "A number from 1 to 9999", "kbreak undo --help"],
    ["zero forks", ["undo", "--forks", "0"], "A number from 1 to 9999", "kbreak undo --help"],
    ["an option without its value", ["undo", "--data-dir"], "argument missing", "kbreak --help"],
    [
      "no folder of breaks",
      ["breaks", "list", "--breaks", "/nowhere"],
      "no folder of breaks",
      "<layer>/<name>.ts",
    ],
    ["no id for a new break", ["breaks", "new", "My/Own", "--breaks", "x"], "is no id", "files/my-own"],
    [
      "a break's id twice",
      ["breaks", "new", "files/immutable", "--breaks", "x"],
      "already",
      "breaks show files/immutable",
    ],
    ["nothing to check", ["validate"], "nothing to check", "--breaks DIR"],
    ["no inventory", ["plan", "files/immutable"], "there is no inventory", "kbreak lab up"],
    ["no terminal and no --yes", ["apply", "files/immutable"], "no terminal to ask on", "--yes"],
    ["a run that is not there", ["undo", "20200101"], "there is no run 20200101", "kbreak runs list"],
    ["a run that is not there, looked at", ["status", "20200101"], "there is no run", "kbreak runs list"],
    ["a run that is not there, shown", ["runs", "show", "x"], "there is no run x", "kbreak runs list"],
    [
      "a break that is not there",
      ["breaks", "show", "file/immutable"],
      "did you mean `files/immutable`?",
      "kbreak breaks list",
    ],
    ["a lab's name", ["lab", "status", "--name", "../x"], "a lab cannot be called", "lower case"],
    ["a lab's size", ["lab", "up", "--nodes", "-1"], "--nodes -1", "kbreak lab up --nodes 3"],
  ])("%s", async (_what, words, why, next) => {
    const { code, stdout, stderr } = await kbreak(...words);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain(why);
    expect(stderr).toContain(next);
  });

  it.each([["ssh", "cp1"], ["down"]])("lab %s without a lab", async (...words) => {
    const { code, stderr } = await kbreak("lab", ...words);
    // Taking down what is not there is no mistake.
    expect(code).toBe(words[0] === "down" ? 0 : 1);
    if (words[0] === "ssh") expect(stderr).toMatch(/there is no lab lab\nhint: kbreak lab up/);
  });
});

describe("nothing open", () => {
  it.each([
    [["status"], 0],
    [["status", "--check"], 3],
    [["undo"], 0],
    [["undo", "--all"], 0],
  ])("%j says so on standard error", async (words, code) => {
    const plain = await kbreak(...words);
    expect(plain).toMatchObject({ code, stdout: "" });
    expect(plain.stderr).toContain("nothing is broken: there is no open run");
    const json = await kbreak(...words, "-o", "json");
    expect([json.code, JSON.parse(json.stdout)]).toEqual([code, []]);
  });

  it("runs list -o name prints nothing at all", async () => {
    expect(await kbreak("runs", "list", "-o", "name")).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });
});

describe("the data folder", () => {
  it("is --data-dir's before or behind the verb, before KBREAK_DATA_DIR's", async () => {
    const other = join(folder, "other");
    mkdirSync(join(other, "runs", "20260101-000000-abcd"), { recursive: true });
    writeFileSync(join(other, "runs", "20260101-000000-abcd", "log.jsonl"), "garbage\n");
    for (const words of [
      ["--data-dir", other, "runs", "list"],
      ["runs", "list", "--data-dir", other],
    ]) {
      const { code, stderr } = await kbreak(...words);
      expect(code).toBe(1);
      expect(stderr).toContain(`${other}/runs/20260101-000000-abcd/log.jsonl:1: the undo log is damaged`);
    }
    expect((await kbreak("runs", "list")).code).toBe(0);
  });

  it("an empty KBREAK_DATA_DIR is none: XDG's is taken", async () => {
    const home = join(folder, "home");
    const run = join(home, "kbreak/runs/20260101-000000-abcd");
    mkdirSync(run, { recursive: true });
    writeFileSync(join(run, "log.jsonl"), "garbage\n");
    const { stderr } = await kbreakWith({ KBREAK_DATA_DIR: "", XDG_DATA_HOME: home }, "runs", "list");
    expect(stderr).toContain(run);
  });
});

it("a reader that goes away is no error", () => {
  const words = `'${process.execPath}' '${main()}' breaks show files/immutable`;
  const { status, stderr } = spawnSync("bash", ["-c", `set -o pipefail; ${words} | true; echo $?`], {
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

describe("breaks", () => {
  const names = async (...words: readonly string[]) => {
    const { code, stdout } = await kbreak("breaks", "list", "-o", "name", ...words);
    expect(code).toBe(0);
    return stdout.split("\n").filter((line) => line !== "");
  };

  it("list shows those that are asked for", async () => {
    const all = await names();
    expect(all).toEqual([...all].sort());
    expect(await names("--layer", "etcd,cni")).toEqual(all.filter((id) => /^(etcd|cni)\//.test(id)));
    expect(await names("--layer", "files", "--difficulty", "hard", "--source", "Flanagan")).toEqual([
      "files/unicode-doppelganger",
    ]);
    expect(await names("--layer", "kernel", "--needs", "own-kernel")).toEqual(
      expect.arrayContaining(["kernel/clock-skew", "kernel/conntrack-full"]),
    );
    expect(await names("--needs", "kubelet")).toContain("kubelet/cluster-dns");
    expect(await names("--source", "nobody at all")).toEqual([]);
  });

  it("list says what it does not know", async () => {
    const { code, stdout, stderr } = await kbreak("breaks", "list", "--layer", "filse");
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toMatch(
      /no break has the layer `filse`, did you mean `files`\?\nhint: these are there: .*files/,
    );
  });

  it("list and show give data, and a table with all columns", async () => {
    const { stdout: wide } = await kbreak("breaks", "list", "-o", "wide", "--layer", "kernel");
    expect(wide).toMatch(/^BREAK +DIFFICULTY +REBOOT +NEEDS +DANGERS +SOURCE +TITLE$/m);
    expect(wide).toMatch(/^kernel\/clock-skew +medium +vanishes +.*own-kernel/m);
    const { stdout: yaml } = await kbreak("breaks", "show", "files/immutable", "-o", "yaml");
    const { stdout: json } = await kbreak("breaks", "show", "files/immutable", "-o", "json");
    expect(parse(yaml)).toEqual(JSON.parse(json));
    expect(JSON.parse(json)).toMatchObject({ id: "files/immutable", layer: "files", reboot: "survives" });
  });

  it("show reads like a manual page", async () => {
    const { stdout } = await kbreak("breaks", "show", "etcd/quota-fill");
    const titles = [...stdout.matchAll(/^[A-Z][A-Z ]+$/gm)].map(([title]) => title);
    expect(titles).toEqual([
      ...["NAME", "SUMMARY", "WHAT IS SEEN", "PARAMETERS", "NEEDS", "DANGERS", "A REBOOT", "HINTS"],
      ...["FIND IT", "FIX IT", "METRIC", "PREVENTION", "DIFFICULTY", "SOURCE", "EXAMPLE"],
    ]);
    expect(stdout).toMatch(/^ {7}headroom\n {11}MiB that etcd may grow .*default:\s+8\)$/ms);
    expect(stdout).toMatch(/^ {7}kbreak apply etcd\/quota-fill --limit cp1 --param headroom=8$/m);
    const running = stdout.split("\n").filter((line) => !/^ {7}(export|etcdctl) /.test(line));
    expect(Math.max(...running.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("tell a fixer no more than what is seen", async () => {
    const { stdout: show } = await kbreak("breaks", "show", "files/immutable", "--spoilers", "no");
    const { stdout: data } = await kbreak(
      "breaks",
      "show",
      "files/immutable",
      "--spoilers",
      "no",
      "-o",
      "json",
    );
    const { stdout: list } = await kbreak("breaks", "list", "--spoilers", "no");
    const { stdout: all } = await kbreak("breaks", "list", "--spoilers", "no", "-o", "yaml");
    expect(show).toContain("Operation not permitted");
    for (const text of [show, data, list, all]) {
      expect(text).toContain("files/immutable");
      expect(text).not.toMatch(/chattr|lsattr|A file that nobody can write|prevention/i);
    }
  });
});

describe("a folder of breaks of one's own", () => {
  it("begins with blanks, which validate finds, and is offered by completion", async () => {
    const own = join(folder, "own");
    const created = await kbreak("breaks", "new", "files/my-own", "--breaks", own);
    const file = join(own, "files/my-own.ts");
    expect(created).toMatchObject({ code: 0, stdout: `${file}\n` });
    expect(created.stderr).toContain(`kbreak validate --breaks ${own}`);
    const validated = await kbreakWith({ KBREAK_BREAKS: own }, "validate", "playbooks/first-light.yaml");
    expect(validated).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(
        /^playbooks\/first-light\.yaml: a valid playbook: medium, 30m, 6 steps, 2 goals, \d+ hints\n$/,
      ),
    });
    expect(validated.stderr).toMatch(/my-own\.ts:4:10: still a blank: <what is broken, in a few words>\n/);
    const shown = await kbreak("breaks", "list", "--breaks", own);
    expect(shown).toMatchObject({ code: 1, stdout: "" });
    expect(shown.stderr).toContain("my-own.ts:4:10: still a blank");
    const { stdout } = await kbreak("complete", "--", "plan", "--breaks", own);
    expect(stdout.split("\n")).toEqual(expect.arrayContaining(["files/my-own", "files/immutable"]));
    expect(await kbreak("breaks", "new", "files/my-own", "--breaks", own)).toMatchObject({ code: 64 });
  });

  it("is named by the person only, never by a playbook", async () => {
    const playbook = join(folder, "names-a-folder.yaml");
    writeFileSync(playbook, "name: x\nbreaks: /tmp\nsteps:\n  - break: files/immutable\n");
    const { code, stderr } = await kbreak("validate", playbook);
    expect(code).toBe(1);
    expect(stderr).toContain(":2:1: unknown property `breaks`");
  });
});

describe("completion", () => {
  /** What bash offers behind a line. */
  function offered(line: string): readonly string[] {
    const bin = join(folder, "bin");
    mkdirSync(bin, { recursive: true });
    if (!existsSync(join(bin, "kbreak"))) symlinkSync(main(), join(bin, "kbreak"));
    spawnSync("chmod", ["+x", main()]);
    const words = line.split(" ");
    const script = `source <(kbreak completion bash)
complete -p kbreak >/dev/null || exit 9
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
_kbreak; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { status, stdout, stderr } = spawnSync("bash", ["--norc", "-c", script], {
      encoding: "utf8",
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, KBREAK_DATA_DIR: join(folder, "data") },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return stdout.split("\n").filter((word) => word !== "");
  }

  it.each([
    ["verbs", "kbreak un", ["undo"]],
    ["verbs of a group", "kbreak lab d", ["down"]],
    ["breaks", "kbreak apply files/imm", ["files/immutable"]],
    ["breaks to read of", "kbreak breaks show etcd/quota", ["etcd/quota-fill"]],
    ["breaks by what they are", "kbreak breaks list --la", ["--layer"]],
    ["options", "kbreak apply files/immutable --y", ["--yes"]],
    ["an option's choices", "kbreak status -o j", ["json"]],
    ["no break for a run", "kbreak undo f", []],
  ])("%s in bash", (_what, line, words) => {
    expect(offered(line)).toEqual(words);
  });

  it.each(["zsh", "fish"])("%s's script is well-formed where that shell is", async (shell) => {
    const { code, stdout } = await kbreak("completion", shell);
    expect(code).toBe(0);
    expect(stdout).toContain("kbreak complete");
    const { error, status, stderr } = spawnSync(shell, ["-n"], { input: stdout, encoding: "utf8" });
    if (error === undefined) expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
});
