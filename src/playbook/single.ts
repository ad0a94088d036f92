import type { JSONSchema } from "json-schema-to-ts";
import type { Parameters } from "../catalogue/break.ts";
import { UsageError } from "../errors.ts";
import { didYouMean, validator, withDefaults } from "../schema.ts";
import type { KnownBreak } from "./known.ts";
import type { Playbook } from "./types.ts";

/**
 * The playbook of one break on all nodes, for `kbreak apply files/immutable --param k=v`. A value is read as its
 * parameter's schema says: numbers, `true` or `false`, lists separated by commas, else text as it is.
 * @throws UsageError for an unknown break or parameter, and with every value that is not what its schema asks for.
 */
export async function playbookOf(
  breakId: string,
  assignments: readonly string[],
  breaks: ReadonlyMap<string, KnownBreak>,
): Promise<Playbook> {
  const found = breaks.get(breakId);
  if (found === undefined) {
    throw new UsageError(`unknown break \`${breakId}\`${didYouMean(breakId, breaks.keys())}`, {
      hint: "`kbreak breaks list` shows all",
    });
  }
  const given = parsed(breakId, assignments, propertiesOf(found.parameters));
  const findings = (await validator())(found.parameters, given);
  if (findings.length > 0) {
    throw new UsageError(findings.map(({ message }) => `--param: ${message}`).join("\n"), hintOf(breakId));
  }
  return {
    name: breakId,
    description: "",
    difficulty: undefined,
    length: undefined,
    story: "",
    hints: [],
    rules: { forbid: [] },
    goal: [],
    steps: [
      {
        name: breakId,
        targets: "all",
        optional: false,
        break: breakId,
        params: withDefaults(found.parameters, given) as Parameters,
      },
    ],
  };
}

type Properties = Readonly<Record<string, JSONSchema>>;

function propertiesOf(schema: JSONSchema): Properties {
  return typeof schema === "boolean" ? {} : (schema.properties ?? {});
}

function hintOf(breakId: string) {
  return { hint: `\`kbreak breaks show ${breakId}\` explains its parameters` };
}

function parsed(breakId: string, assignments: readonly string[], properties: Properties) {
  const given = new Map<string, unknown>();
  for (const assignment of assignments) {
    const equals = assignment.indexOf("=");
    if (equals < 1) throw new UsageError(`--param takes name=value, not "${assignment}"`, hintOf(breakId));
    const name = assignment.slice(0, equals);
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (schema === undefined) {
      const meant = didYouMean(name, Object.keys(properties));
      throw new UsageError(`\`${breakId}\` has no parameter \`${name}\`${meant}`, hintOf(breakId));
    }
    if (given.has(name)) throw new UsageError(`--param ${name} is there twice`);
    given.set(name, valueFrom(assignment.slice(equals + 1), schema));
  }
  return Object.fromEntries(given);
}

/** What cannot be read as the schema's type stays text, so that the schema's own check says what it should be. */
function valueFrom(text: string, schema: JSONSchema): unknown {
  const type = typeof schema === "boolean" ? undefined : schema.type;
  if (type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (type === "integer" || type === "number") {
    return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  }
  if (type !== "array" || typeof schema === "boolean") return text;
  const items = schema.items;
  if (text === "") return [];
  return text
    .split(",")
    .map((item) => valueFrom(item.trim(), items === undefined || isTuple(items) ? true : items));
}

function isTuple(items: JSONSchema | readonly JSONSchema[]): items is readonly JSONSchema[] {
  return Array.isArray(items);
}
