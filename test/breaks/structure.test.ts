import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadCatalogue } from "../../src/catalogue/catalogue.ts";
import { playbookOf } from "../../src/playbook/single.ts";
import { validator } from "../../src/schema.ts";

const { breaks } = await loadCatalogue();
const all = [...breaks.values()].map((found) => [found.id, found] as const);

describe.each(all)("%s", (id, found) => {
  const source = readFileSync(found.file, "utf8");

  it("has a kebab-case id", () => {
    expect(id).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*\/[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
  });

  it.each(["title", "summary", "sees", "metric", "prevention", "source"] as const)("says its %s", (name) => {
    expect(found[name].trim()).not.toBe("");
  });

  it.each(["find", "fix"] as const)("says the commands that %s it, one a line", (name) => {
    expect(found[name].length).toBeGreaterThan(0);
    for (const command of found[name]) expect(command).toMatch(/^\S[^\n]*$/);
  });

  it("has three hints and more, none twice, and ends with a plain one", () => {
    expect(found.hints.length).toBeGreaterThanOrEqual(3);
    expect(new Set(found.hints).size).toBe(found.hints.length);
    expect(found.hints.every((hint) => hint.trim() !== "")).toBe(true);
    // A plain hint names what to type or where to look; the first one must not.
    const plain = /[`/=-]\w|\.\w+|\w+ (list|show|status)\b/;
    expect(found.hints.at(-1)).toMatch(plain);
    expect(found.hints[0]).not.toMatch(plain);
  });

  it("describes each parameter and gives it a default, and the defaults are valid", async () => {
    expect(found.parameters.additionalProperties).toBe(false);
    for (const parameter of Object.values(found.parameters.properties)) {
      expect(parameter.description.trim()).not.toBe("");
      expect(parameter.default).not.toBeUndefined();
    }
    const [step] = (await playbookOf(id, [], breaks)).steps;
    expect(step !== undefined && "params" in step ? Object.keys(step.params) : undefined).toEqual(
      Object.keys(found.parameters.properties),
    );
    const defaults = Object.fromEntries(
      Object.entries(found.parameters.properties).map(([name, { default: value }]) => [name, value]),
    );
    expect((await validator())(found.parameters, defaults)).toEqual([]);
  });

  it("imports kbreak and nothing else, and reaches neither files nor processes of this machine", () => {
    const imports = [...source.matchAll(/^\s*(?:import|export)\b[^;]*?from\s+["']([^"']+)["']/gm)].map(
      ([, name]) => name,
    );
    expect(new Set(imports)).toEqual(new Set(["kbreak"]));
    expect(source).not.toMatch(/\bimport\s*\(|\brequire\s*\(|import\s+["']/);
    expect(source).not.toMatch(/child_process|\bnode:|\bglobalThis\b|\bprocess\.\w/);
  });

  it("writes no undo of its own", () => {
    expect(Object.keys(found).filter((key) => /undo|restore|revert/i.test(key))).toEqual([]);
  });
});

it("no two breaks have the same title", () => {
  const titles = all.map(([, { title }]) => title);
  expect(new Set(titles).size).toBe(titles.length);
});
