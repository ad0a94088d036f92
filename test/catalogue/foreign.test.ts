import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { breakIds, loadCatalogue } from "../../src/catalogue/catalogue.ts";
import { ConfigError, UsageError } from "../../src/errors.ts";
import type { Facts } from "../../src/facts.ts";
import { greeting } from "./greeting.ts";

const root = mkdtempSync(join(tmpdir(), "kbreak-foreign-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder of the user's with these files. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(root, "breaks-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** What is wrong with a folder, with paths as they are in it. */
async function problemsOf(folder: string): Promise<readonly string[]> {
  const error = await loadCatalogue(folder).catch((thrown: unknown) => thrown);
  if (!(error instanceof ConfigError)) throw new Error("nothing is wrong with it", { cause: error });
  return error.problems.map(
    ({ file, line, column, message }) => `${file.slice(folder.length + 1)}:${line}:${column}: ${message}`,
  );
}

describe("a folder of the user's own breaks", () => {
  it("may hold TypeScript and JavaScript, which import kbreak and what lies beside them", async () => {
    const folder = folderOf({
      "greetings.ts":
        'export interface Greeting { readonly text: string }\nexport const greeting: Greeting = { text: "hi" };',
      "files/typed.ts": greeting('writeFile("/etc/motd", greeting.text as string)').replace(
        "\n",
        '\nimport { type Greeting, greeting } from "../greetings.ts";\nexport type Mine = Greeting;\n',
      ),
      "files/plain.js": greeting(),
      "mine/module.mjs": greeting(),
      "files/typed.d.ts": "export {};",
    });
    const before = await breakIds();
    expect((await breakIds(folder)).filter((id) => !before.includes(id))).toEqual([
      "files/plain",
      "files/typed",
      "mine/module",
    ]);
    const { breaks } = await loadCatalogue(folder);
    expect([...breaks.keys()]).toEqual(await breakIds(folder));
    expect(breaks.get("files/typed")?.operations({}, {} as Facts)).toEqual([
      { kind: "file", path: "/etc/motd", content: "hi" },
    ]);
    expect(breaks.get("files/plain")).toMatchObject({ layer: "files", title: "A greeting" });
    expect(readdirSync(join(folder, "files")).sort()).toEqual(["plain.js", "typed.d.ts", "typed.ts"]);
  });

  it("is refused with all that is wrong in it, each with its module and line", async () => {
    const folder = folderOf({
      "files/immutable.ts": greeting(),
      "files/twice.js": greeting(),
      "files/twice.ts": greeting(),
      "files/Odd_Name.ts": greeting(),
      "mine/syntax.ts": `${greeting()}\nconst = 1;\n`,
      "mine/throws.ts": `const nothing = undefined as unknown as { x: number };\n\n\nexport default nothing.x;\n`,
      "mine/nothing.ts": "export const x = 1;\n",
      "mine/unknown.ts": greeting("wirteFile()")
        .replace("textMissing,", "textMissing, wirteFile,")
        .replace("() => [", "["),
      "mine/fields.ts": greeting()
        .replace('difficulty: "easy"', 'difficulty: "eassy"')
        .replace('  reboot: "survives",\n', "")
        .replace('"Look into /etc/motd"', "7")
        .replace("  find:", "  finds:")
        .replace("symptom: () => ", "symptom: "),
      "mine/parameters.ts": greeting().replace(
        "properties: {}",
        'properties: { port: { type: "integer", default: "ssh", description: "The port." }, rest: { type: "string", default: "", description: "The rest.", lenght: 3 } }',
      ),
    });
    expect(await problemsOf(folder)).toEqual([
      "files/immutable.ts:1:1: `files/immutable` is a break of kbreak's own; give the file another name",
      expect.stringMatching(/^files\/Odd_Name\.ts:1:1: `files\/Odd_Name` is no id of a break: /),
      expect.stringMatching(
        /^files\/twice\.ts:1:1: `files\/twice` is there twice: .*twice\.js has this id too$/,
      ),
      "mine/fields.ts:2:16: missing `reboot`",
      'mine/fields.ts:5:3: `difficulty` must be one of "easy", "medium", "hard", not "eassy", did you mean `easy`?',
      "mine/fields.ts:9:3: item 3 of `hints` must be text of at least 8 characters, not 7 (put it in quotes)",
      "mine/fields.ts:10:3: unknown property `finds`, did you mean `find`?",
      "mine/fields.ts:15:3: `symptom` must be a function",
      "mine/nothing.ts:1:1: a break's module has what `defineBreak({ … })` gives as its default export",
      'mine/parameters.ts:8:72: the default of `port` is refused by its own schema: `default` must be a whole number, not "ssh"',
      'mine/parameters.ts:8:116: `rest` is no JSON Schema: strict mode: unknown keyword: "lenght"',
      "mine/syntax.ts:19:6: ParseError: Unexpected token",
      "mine/throws.ts:4:1: Cannot read properties of undefined (reading 'x')",
      "mine/unknown.ts:15:1: `wirteFile` is not a function",
    ]);
  });

  it("that is none is refused", async () => {
    await expect(loadCatalogue(join(root, "nowhere"))).rejects.toThrow(UsageError);
  });
});

describe("a break of the user's own answers for what its functions give:", () => {
  it.each([
    [
      "no list",
      greeting().replace('[writeFile("/etc/motd", "hello")]', "7"),
      "15:3: `operations` must give a list of operations",
    ],
    [
      "an unknown kind",
      greeting('{ kind: "fiel" }'),
      "15:3: item 1 of `operations` is no operation: its kind is `fiel`, did you mean `file`?",
    ],
    [
      "wrong data",
      greeting('{ kind: "file", path: "motd", content: "" }'),
      /^15:\d+: `path` must be text that matches/,
    ],
    [
      "an error",
      greeting("(undefined as never as { x: never }).x"),
      "15:1: `operations` failed: Cannot read properties of undefined (reading 'x')",
    ],
  ])("operations that are %s", async (_what, text, says) => {
    const folder = folderOf({ "mine/one.ts": text });
    const found = (await loadCatalogue(folder)).breaks.get("mine/one");
    const call = () => found?.operations({}, {} as Facts);
    expect(call).toThrow(ConfigError);
    expect(call).toThrow(
      typeof says === "string" ? `mine/one.ts:${says}` : /mine\/one\.ts:15:\d+: `path` must/,
    );
  });

  it("a symptom that is no probe", async () => {
    const folder = folderOf({ "mine/one.ts": greeting(undefined, '"grep -q hello /etc/motd"') });
    const found = (await loadCatalogue(folder)).breaks.get("mine/one");
    expect(() => found?.symptom({}, {} as Facts)).toThrow(/one\.ts:16:3: `symptom` must be a mapping/);
  });
});
