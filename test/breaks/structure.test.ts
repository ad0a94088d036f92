import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Break } from "../../src/catalogue/break.ts";
import { loadCatalogue } from "../../src/catalogue/catalogue.ts";
import { loadForeign } from "../../src/catalogue/foreign.ts";
import { scaffold } from "../../src/catalogue/scaffold.ts";
import type { ConfigError } from "../../src/errors.ts";
import type { Facts } from "../../src/facts.ts";
import { greeting } from "../catalogue/greeting.ts";
import { sampleFacts } from "./sample-facts.ts";
import { structureProblems } from "./structure.ts";

const { breaks } = await loadCatalogue();
const all = [...breaks.values()].map((found) => [found.id, found] as const);

let facts: Facts;
let folder: string;
let modules = 0;

beforeAll(async () => {
  facts = await sampleFacts();
  folder = mkdtempSync(join(tmpdir(), "kbreak-structure-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The break of a module with this text, as one of the user's own; each has a folder of its own, as modules are kept. */
async function load(text: string): Promise<Break> {
  modules += 1;
  mkdirSync(join(folder, `${modules}/files`), { recursive: true });
  writeFileSync(join(folder, `${modules}/files/new.ts`), text);
  const [found] = await loadForeign(join(folder, String(modules)), new Set());
  if (found === undefined) throw new Error("it was not found");
  return found;
}

it.each(all)("%s is written as a break is", async (_id, found) => {
  expect(await structureProblems(found, facts)).toEqual([]);
});

it("no two breaks have the same title", () => {
  const titles = all.map(([, { title }]) => title);
  expect(new Set(titles).size).toBe(titles.length);
});

describe("a new break", () => {
  const blanks = [...scaffold.matchAll(/"<([^>]+)>"/g)].map(([blank]) => blank);

  it("is refused with the line of each blank", async () => {
    const error = await load(scaffold).catch((thrown: unknown) => thrown);
    const { problems } = error as ConfigError;
    const lines = scaffold.split("\n");
    expect(
      problems.map(({ line, message }) => [lines[line - 1]?.includes(message.slice(15)), message]),
    ).toEqual(blanks.map((blank) => [true, `still a blank: ${blank.slice(1, -1)}`]));
  });

  it("is written as a break is, as soon as its blanks are filled", async () => {
    const filled: Readonly<Record<string, string>> = {
      "a text file that a kubeadm node has": "/etc/hosts",
      "words that are in it exactly once": "localhost",
      "what is put in their place": "local-host",
      "a plain one: what to type or which file to open": "`getent hosts localhost` says what the file says.",
      "a command that finds it, as a fixer would type it": "grep -n local /etc/hosts",
      "a command that fixes it, as a fixer would type it": "sed -i s/local-host/localhost/ /etc/hosts",
    };
    const text = scaffold.replaceAll(/"<([^>]+)>"/g, (_, blank: string) =>
      JSON.stringify(
        filled[blank] ?? `It is filled in: ${blank.replaceAll(/[^a-z ]/g, "")}, whatever that may be.`,
      ),
    );
    expect(await structureProblems(await load(text), facts)).toEqual([]);
  });
});

describe("the structure test fails a break", () => {
  it.each([
    [
      "that imports anything else",
      (text: string) => `import { join } from "node:path";\n${text}void join;`,
      /imports node:path/,
    ],
    [
      "that runs something here",
      (text: string) => `${text}export const later = () => fetch("http://x/");`,
      /fetch\(/,
    ],
    ["that is long", (text: string) => `${text}${"void 0;\n".repeat(70)}`, /more than 70/],
    ["whose source nobody has", (text: string) => text.replace('"nobody"', '"A01"'), /row of notes/],
    [
      "whose first hint is plain",
      (text: string) => text.replace("Who greets you?", "`cat /etc/motd`"),
      /first hint/,
    ],
    [
      "whose last hint is vague",
      (text: string) => text.replace("Look into /etc/motd", "You know it now"),
      /last hint/,
    ],
    [
      "whose fix calls what is not there",
      (text: string) => text.replace("truncate -s", "nft | jq"),
      /calls nft(.|\n)*calls jq/,
    ],
    [
      "that is another one each time",
      (text: string) => text.replace('"hello")],', "String(Math.random()))],"),
      /others each time/,
    ],
  ])("%s", async (_what, change, says) => {
    const problems = await structureProblems(await load(change(greeting())), facts);
    expect(problems.join("\n")).toMatch(says);
  });
});
