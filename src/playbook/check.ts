import { type Danger, dangerInWords, type Operation } from "../operations/operation.ts";
import { didYouMean, type Finding, isRecord, itemsOf, type Path, type Validate } from "../schema.ts";
import type { Known } from "./known.ts";
import { withAddresses } from "./url.ts";

/**
 * What only the catalogue can say of a playbook: unknown breaks and operations, their parameters, forbidden dangers.
 * Takes the file's value whatever its shape, so that these mistakes are reported together with those of the schema.
 */
export function playbookFindings(value: unknown, known: Known, validate: Validate): readonly Finding[] {
  if (!isRecord(value)) return [];
  const forbidden = isRecord(value.rules) ? itemsOf(value.rules.forbid) : [];
  const steps = itemsOf(value.steps).flatMap((step, index): readonly Finding[] => {
    if (!isRecord(step)) return [];
    const path = ["steps", index];
    return [
      ...breakFindings(step, path, known, validate, forbidden),
      ...itemsOf(step.operations).flatMap((operation, item) =>
        operationFindings(operation, [...path, "operations", item], known, validate, forbidden),
      ),
    ];
  });
  return [...itemsOf(value.goal).flatMap(urlFindings), ...steps];
}

/** What a pattern cannot say of a URL. */
function urlFindings(goal: unknown, index: number): readonly Finding[] {
  const text = isRecord(goal) ? goal.http : undefined;
  if (typeof text !== "string" || !/^https?:\/\//.test(text)) return [];
  const at = (message: string): readonly Finding[] => [
    { path: ["goal", index, "http"], at: "value", message },
  ];
  const url = withAddresses(text, () => "node");
  if (!URL.canParse(url)) return at(`\`http\` is no URL: ${JSON.stringify(text)}`);
  const { username, password } = new URL(url);
  return username + password === ""
    ? []
    : at("`http` must not hold a user or a password: they would be shown and logged");
}

type Fields = Readonly<Record<string, unknown>>;

function breakFindings(
  step: Fields,
  path: Path,
  known: Known,
  validate: Validate,
  forbidden: readonly unknown[],
): readonly Finding[] {
  const id = step.break;
  if (typeof id !== "string" || id === "") return [];
  const found = known.breaks.get(id);
  const at = [...path, "break"];
  if (found === undefined) {
    return [
      { path: at, at: "value", message: `unknown break \`${id}\`${didYouMean(id, known.breaks.keys())}` },
    ];
  }
  const params = isRecord(step.params) ? validate(found.parameters, step.params, [...path, "params"]) : [];
  return [...forbiddenFindings(at, id, found.dangers ?? [], forbidden), ...params];
}

function operationFindings(
  operation: unknown,
  path: Path,
  known: Known,
  validate: Validate,
  forbidden: readonly unknown[],
): readonly Finding[] {
  const kind = isRecord(operation) ? operation.kind : undefined;
  if (typeof kind !== "string" || kind === "") return [];
  const found = known.operations.get(kind);
  const at = [...path, "kind"];
  if (found === undefined) {
    const message = `unknown kind of operation \`${kind}\`${didYouMean(kind, known.operations.keys())}`;
    return [{ path: at, at: "value", message }];
  }
  const findings = validate(found.schema, operation, path);
  // A kind answers for valid data only.
  if (findings.length > 0) return findings;
  return forbiddenFindings(at, kind, found.dangers(operation as Operation), forbidden);
}

function forbiddenFindings(
  path: Path,
  what: string,
  dangers: readonly Danger[],
  forbidden: readonly unknown[],
): readonly Finding[] {
  return dangers
    .filter((danger) => forbidden.includes(danger))
    .map((danger) => ({
      path,
      at: "value",
      message: `the playbook forbids \`${danger}\`, but \`${what}\` ${dangerInWords[danger]}`,
    }));
}
