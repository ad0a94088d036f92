import { readFileSync } from "node:fs";
import type { JSONSchema } from "json-schema-to-ts";
import { ConfigError, type Problem } from "../errors.ts";
import { kinds } from "../operations/index.ts";
import { didYouMean, type Finding, isRecord, itemsOf, type Validate } from "../schema.ts";
import type { Break } from "./break.ts";
import { located, thrown } from "./source-lines.ts";

const probe: JSONSchema = {
  type: "object",
  required: ["title", "script", "commands"],
  properties: {
    title: { type: "string", minLength: 1 },
    script: { type: "object", required: ["shell"], properties: { shell: { type: "string" } } },
    commands: { type: "array", items: { type: "string" } },
  },
};

/**
 * A user's break whose functions answer for what they give: the engine takes a break's operations as valid, and what it
 * would meet otherwise would read as a mistake of kbreak's. Its functions throw ConfigErrors with the module's line.
 */
export function guarded(found: Break, validate: Validate): Break {
  const { file } = found;
  const fail = (problems: readonly Problem[]): never => {
    throw new ConfigError(problems);
  };
  const refuse = (findings: readonly Finding[]) => {
    if (findings.length === 0) return;
    const source = readFileSync(file, "utf8");
    fail(findings.map((finding) => located(file, source, finding)));
  };
  const run = <T>(name: string, make: () => T): T => {
    try {
      return make();
    } catch (error) {
      const problem = thrown(file, error);
      return fail([{ ...problem, message: `\`${name}\` failed: ${problem.message}` }]);
    }
  };
  const { reads, asks, refusal } = found;
  return {
    ...found,
    ...(reads && { reads: (params) => run("reads", () => reads(params)) }),
    ...(asks && { asks: (params) => run("asks", () => asks(params)) }),
    ...(refusal && { refusal: (params, facts) => run("refusal", () => refusal(params, facts)) }),
    operations(params, facts) {
      const made = run("operations", () => found.operations(params, facts));
      refuse(operationsFindings(made, validate));
      return made;
    },
    symptom(params, facts) {
      const made = run("symptom", () => found.symptom(params, facts));
      refuse(validate(probe, made, ["symptom"]));
      return made;
    },
  };
}

function operationsFindings(made: unknown, validate: Validate): readonly Finding[] {
  const at = (message: string): Finding => ({ path: ["operations"], at: "value", message });
  if (!Array.isArray(made)) return [at("`operations` must give a list of operations")];
  if (made.length === 0) return [at("`operations` gives none; `refusal` says why there is nothing to break")];
  return itemsOf(made).flatMap((operation, index) => {
    const kind = isRecord(operation) ? operation.kind : undefined;
    const known = kinds.get(String(kind));
    if (known !== undefined) return validate(known.schema, operation, ["operations", index]);
    const meant = didYouMean(String(kind), kinds.keys());
    return [at(`item ${index + 1} of \`operations\` is no operation: its kind is \`${kind}\`${meant}`)];
  });
}
