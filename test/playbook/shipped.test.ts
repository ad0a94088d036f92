import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { generated, leftovers } from "../../scripts/generated.ts";
import { loadCatalogue } from "../../src/catalogue/catalogue.ts";
import { loadInventory } from "../../src/inventory/load.ts";
import { kinds } from "../../src/operations/index.ts";
import { loadPlaybook } from "../../src/playbook/load.ts";
import { playbookSchema } from "../../src/playbook/schema.ts";
import { playbookOf } from "../../src/playbook/single.ts";
import { type Validate, validator } from "../../src/schema.ts";
import { readYaml } from "../../src/yaml.ts";
import { playbookFile, shippedPlaybooks } from "./playbooks.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const written = await generated();
const catalogue = await loadCatalogue();
const known = { breaks: catalogue.breaks, operations: kinds };
const yamlFiles = (folder: string) =>
  readdirSync(join(project, folder))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join(project, folder, name));
const playbooks = shippedPlaybooks.map(playbookFile);

it("what is made from the sources is what they say: the schemas and the pages of the breaks", () => {
  const isStale = ([path, wanted]: readonly [string, string]) =>
    !existsSync(join(project, path)) || readFileSync(join(project, path), "utf8") !== wanted;
  const stale = [...written].filter(isStale).map(([path]) => path);
  expect([...stale, ...leftovers(project, written)], "`npm run docs` writes them anew").toEqual([]);
});

describe("the playbooks' schema", () => {
  it("knows the breaks' parameters and the operations' data", async () => {
    const validate: Validate = await validator();
    const messages = (steps: unknown) =>
      validate(playbookSchema(known), { name: "x", steps }).map(
        ({ path, message }) => `${path.join(".")}: ${message}`,
      );
    expect(messages([{ break: "files/immutable" }])).toEqual([]);
    expect(messages([{ break: "files/immutable", params: { nonsense: 1 } }])).toEqual([
      expect.stringMatching(/^steps\.0\.params\.nonsense: unknown property `nonsense`/),
    ]);
    expect(messages([{ operations: [{ kind: "file", path: "/x", content: "x" }] }])).toEqual([]);
    expect(messages([{ operations: [{ kind: "file", path: "/x", contents: "x" }] }])).toContainEqual(
      expect.stringMatching(/contents: unknown property `contents`, did you mean `content`/),
    );
  });
});

describe("every shipped file", () => {
  it.each(yamlFiles("inventory"))("%s is a valid inventory", async (file) => {
    await loadInventory(file);
  });

  it.each(playbooks)("%s is a valid playbook, with all that a host wants to know", async (file) => {
    const { description, difficulty, length, hints, goal } = await loadPlaybook(file, known);
    expect(description).not.toBe("");
    expect([difficulty, length]).not.toContain(undefined);
    expect(hints.length).toBeGreaterThanOrEqual(3);
    expect(goal).not.toEqual([]);
  });

  it.each([...yamlFiles("inventory"), ...playbooks])("%s names a schema that is there", async (file) => {
    const modeline =
      /^# yaml-language-server: \$schema=(\S+)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? "none";
    const schema = JSON.parse(readFileSync(join(file, "..", modeline), "utf8"));
    const { value } = await readYaml(file);
    expect((await validator())(schema, value)).toEqual([]);
  });
});

describe("every break", () => {
  it.each([...catalogue.breaks.keys()])("%s has defaults that its own schema takes", async (id) => {
    const [step] = (await playbookOf(id, [], catalogue.breaks)).steps;
    const schema = catalogue.breaks.get(id)?.parameters ?? false;
    const params = step !== undefined && "params" in step ? step.params : undefined;
    expect(Object.keys(params ?? {})).toEqual(Object.keys(schema === false ? {} : schema.properties));
    expect((await validator())(schema, params)).toEqual([]);
  });
});
