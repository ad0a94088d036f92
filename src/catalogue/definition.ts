import type { JSONSchema } from "json-schema-to-ts";
import { messageOf } from "../errors.ts";
import { dangers } from "../operations/operation.ts";
import { type Finding, isRecord, type Path, validator } from "../schema.ts";
import type { BreakDefinition, Needs } from "./break.ts";

/** A text of at least so many characters: less explains nothing. */
const prose = (minLength: number) => ({ type: "string", minLength }) as const;

const word = { type: "string", pattern: "^\\S+$", patternErrorMessage: "a word without spaces" } as const;

const commands = {
  type: "array",
  minItems: 1,
  items: {
    type: "string",
    pattern: "^\\S[^\\n]*$",
    patternErrorMessage: "a command on one line",
  },
} as const;

const needs = {
  roles: { type: "array", minItems: 1, items: { type: "string", enum: ["control-plane", "worker"] } },
  commands: { type: "array", items: word },
  units: { type: "array", items: word },
  target: { type: "string", enum: ["node", "cluster"] },
  kernel: { type: "string", enum: ["own"] },
} satisfies Record<keyof Needs, JSONSchema>;

/** What is JSON Schema in it is checked by compiling it. */
const parameters = {
  type: "object",
  required: ["type", "properties", "additionalProperties"],
  properties: {
    type: { type: "string", enum: ["object"] },
    additionalProperties: { type: "boolean", enum: [false] },
    properties: {
      type: "object",
      propertyNames: {
        pattern: "^[a-z][A-Za-z0-9]*$",
        patternErrorMessage: "a name such as path or maxPods",
      },
      additionalProperties: {
        type: "object",
        required: ["type", "description", "default"],
        properties: {
          type: { type: "string", enum: ["string", "integer", "number", "boolean", "array"] },
          description: prose(8),
        },
      },
    },
  },
} as const;

/** Functions are none of JSON's values: they are looked at apart. */
const functions = {
  operations: true,
  symptom: true,
  reads: false,
  asks: false,
  programs: false,
  refusal: false,
} as const;

const fields = {
  title: prose(5),
  summary: prose(60),
  difficulty: { type: "string", enum: ["easy", "medium", "hard"] },
  source: prose(3),
  needs: { type: "object", additionalProperties: false, properties: needs },
  dangers: { type: "array", uniqueItems: true, items: { type: "string", enum: dangers } },
  reboot: { type: "string", enum: ["survives", "vanishes", "re-arms", "bricks"] },
  parameters,
  sees: prose(20),
  hints: { type: "array", minItems: 3, uniqueItems: true, items: prose(8) },
  find: commands,
  fix: commands,
  metric: prose(12),
  prevention: prose(20),
  patience: { type: "number", minimum: 1, maximum: 600 },
  reads: {},
  asks: {},
  programs: {},
  refusal: {},
  operations: {},
  symptom: {},
} satisfies Record<keyof BreakDefinition, JSONSchema>;

/** The shape of every break's definition. */
const shape: JSONSchema = {
  type: "object",
  additionalProperties: false,
  required: Object.keys(fields).filter(
    (name) => !["needs", "dangers", "patience", "reads", "asks", "programs", "refusal"].includes(name),
  ),
  properties: fields,
};

/**
 * All that is wrong with what a break's module exports, whoever wrote it: fields that are missing, of the wrong kind or
 * too thin, blanks that were left, parameters that are no JSON Schema, defaults that their own schema refuses.
 */
export async function definitionFindings(definition: unknown): Promise<readonly Finding[]> {
  if (!isRecord(definition)) {
    const message = "a break's module has what `defineBreak({ … })` gives as its default export";
    return [{ path: [], at: "value", message }];
  }
  const blanks = blankFindings(definition, []);
  const left = new Set(blanks.map(({ path }) => path.join("\0")));
  const shaped = (await validator())(shape, definition);
  const others = [
    ...shaped,
    ...functionFindings(definition),
    ...(await parameterFindings(definition.parameters, shaped)),
  ];
  return [...blanks, ...others.filter(({ path }) => !left.has(path.join("\0")))];
}

/** `<what belongs there>`, as `kbreak breaks new` writes it. */
const blank = /^<[^<>]+>$/;

function blankFindings(value: unknown, path: Path): readonly Finding[] {
  if (typeof value === "string")
    return blank.test(value) ? [{ path, at: "value", message: `still a blank: ${value}` }] : [];
  if (Array.isArray(value)) return value.flatMap((item, index) => blankFindings(item, [...path, index]));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => blankFindings(item, [...path, key]));
}

function functionFindings(definition: Readonly<Record<string, unknown>>): readonly Finding[] {
  return Object.entries(functions).flatMap(([name, required]) => {
    const value = definition[name];
    // What is missing is said by the schema.
    if (typeof value === "function" || value === undefined) return [];
    const message = `\`${name}\` must be a function${required ? "" : ", where it is there"}`;
    return [{ path: [name], at: "value", message } satisfies Finding];
  });
}

async function parameterFindings(schema: unknown, shaped: readonly Finding[]): Promise<readonly Finding[]> {
  if (!isRecord(schema) || shaped.some(({ path }) => path[0] === "parameters")) return [];
  const validate = await validator();
  const properties = Object.entries(
    schema.properties as Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  );
  return properties.flatMap(([name, property]) => {
    const path = ["parameters", "properties", name];
    try {
      const wrong = validate(property as JSONSchema, property.default, [...path, "default"]);
      return wrong.map((finding) => ({
        ...finding,
        message: `the default of \`${name}\` is refused by its own schema: ${finding.message}`,
      }));
    } catch (error) {
      const message = `\`${name}\` is no JSON Schema: ${messageOf(error)}`;
      return [{ path, at: "key", message } satisfies Finding];
    }
  });
}
