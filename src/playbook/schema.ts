import type { JSONSchema } from "json-schema-to-ts";
import { dangers } from "../operations/operation.ts";
import { goalSchema } from "./goal-schema.ts";
import type { Known } from "./known.ts";
import { selection, text } from "./schema-parts.ts";

const length = {
  type: "string",
  pattern: "^[1-9][0-9]*[mh]$",
  patternErrorMessage: "a number of minutes or hours, such as 45m or 2h",
  description: "How long it plays, such as 45m or 2h.",
} as const;

function step(
  breakId: JSONSchema,
  operationKind: JSONSchema,
  details: { readonly allOf?: readonly JSONSchema[] },
): JSONSchema {
  return {
    type: "object",
    additionalProperties: false,
    properties: {
      name: text,
      break: breakId,
      params: { type: "object", description: "Of the break; the others have their defaults." },
      operations: {
        type: "array",
        minItems: 1,
        items: { type: "object", required: ["kind"], properties: { kind: operationKind }, ...details },
      },
      targets: { ...selection, default: "all" },
      optional: {
        type: "boolean",
        default: false,
        description: "true: left out with its reason where it cannot run, instead of refusing the playbook.",
      },
    },
    oneOf: [{ required: ["break"] }, { required: ["operations"] }],
    dependencies: { params: ["break"] },
  };
}

function playbook(steps: JSONSchema): JSONSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "kbreak playbook",
    type: "object",
    additionalProperties: false,
    required: ["name", "steps"],
    properties: {
      name: text,
      description: { type: "string", default: "" },
      difficulty: { type: "string", enum: ["easy", "medium", "hard"] },
      length,
      hints: {
        type: "array",
        minItems: 1,
        uniqueItems: true,
        items: text,
        description: "For the fixer, from vague to plain; the host hands them out.",
      },
      story: {
        type: "string",
        description:
          "How it was found and mended when it was played: for the host. It gives everything away, and is never printed.",
      },
      rules: {
        type: "object",
        additionalProperties: false,
        properties: {
          forbid: {
            type: "array",
            uniqueItems: true,
            items: { type: "string", enum: dangers },
            description: "Dangers that no step may have.",
          },
        },
      },
      goal: {
        type: "array",
        items: goalSchema,
        description: "What `it works again` means; all of it has to hold.",
      },
      steps: { type: "array", minItems: 1, items: steps },
    },
  };
}

/** The shape of every playbook; what its breaks and operations are is checked with the catalogue at hand. */
export const playbookShape: JSONSchema = playbook(step(text, text, {}));

/** The JSON Schema of playbooks for editors: completes breaks, their parameters, and operations. */
export function playbookSchema(known: Known): JSONSchema {
  const parameters = [...known.breaks].map(([id, { parameters }]) =>
    when("break", id, { properties: { params: parameters } }),
  );
  const operations = [...known.operations].map(([kind, { schema }]) => when("kind", kind, schema));
  const shape = step(
    { enum: [...known.breaks.keys()] },
    { enum: [...known.operations.keys()] },
    {
      allOf: operations,
    },
  );
  return playbook({ ...(shape as object), allOf: parameters });
}

function when(property: string, value: string, then: JSONSchema): JSONSchema {
  return { if: { required: [property], properties: { [property]: { const: value } } }, then };
}
