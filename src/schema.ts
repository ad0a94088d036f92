import type { ErrorObject } from "ajv";
import { distance } from "fastest-levenshtein";
import type { JSONSchema } from "json-schema-to-ts";

/** The way to a part of a value: property names and list indices. */
export type Path = readonly (string | number)[];

/** A mistake in a value; its position is found by the file that the value was read from. */
export interface Finding {
  readonly path: Path;
  /** Whether the name of the last property in `path` is meant, or what it holds. */
  readonly at: "key" | "value";
  readonly message: string;
}

/** All that is wrong with `value`, in words; `path` is where the value stands. @throws Error for a wrong schema. */
export type Validate = (schema: JSONSchema, value: unknown, path?: Path) => readonly Finding[];

let loaded: Promise<Validate> | undefined;

/** The validator. There is one for the whole process, as it remembers the schemas that it has compiled. */
export function validator(): Promise<Validate> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Validate> {
  const { Ajv } = await import("ajv");
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    logger: false,
  });
  // Known to editors' language servers too; says in words what a pattern asks for.
  ajv.addKeyword("patternErrorMessage");
  return (schema, value, path = []) => {
    const check = ajv.compile(schema as object);
    if (check(value)) return [];
    return distinct(unmisspelt(relevant(check.errors ?? [])).map((error) => findingOf(error, value, path)));
  };
}

/** `value` with the `default` of each absent property, at every depth. Values that are there are kept. */
export function withDefaults(schema: JSONSchema, value: unknown): unknown {
  if (typeof schema === "boolean" || !isRecord(value)) return value;
  const absent = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    !Object.hasOwn(value, name) && typeof property === "object" && property.default !== undefined
      ? [[name, structuredClone(property.default)] as const]
      : [],
  );
  const present = Object.entries(value).map(([name, item]) => {
    const property = ownProperty(schema.properties, name);
    return [name, property === undefined ? item : withDefaults(property, item)] as const;
  });
  return Object.fromEntries([...present, ...absent]);
}

/** The candidate that was probably meant by `word`, if any is close to it. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  const limit = Math.max(1, Math.min(3, Math.floor(word.length / 2)), Math.floor(word.length / 4));
  const ranked = [...candidates]
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ far }) => far <= limit)
    .sort((a, b) => a.far - b.far);
  return ranked[0]?.candidate;
}

/** `, did you mean \`x\`?`, or nothing when no candidate is close. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const meant = closest(word, candidates);
  return meant === undefined ? "" : `, did you mean \`${meant}\`?`;
}

/** Whether a value is a mapping (and not a list or nothing). */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The entries of a value that should be a mapping; none when it is something else. */
export function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isRecord(value) ? Object.entries(value) : [];
}

/** The items of a value that should be a list; none when it is something else. */
export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What a schema asks for, in words: "a whole number from 1 to 65535". */
export function expectation(schema: unknown): string {
  if (!isRecord(schema)) return "something else";
  if (schema.const !== undefined) return show(schema.const);
  if (Array.isArray(schema.enum))
    return `${schema.enum.length > 1 ? "one of " : ""}${schema.enum.map(show).join(", ")}`;
  const alternatives = schema.type === undefined ? (schema.anyOf ?? schema.oneOf) : undefined;
  if (Array.isArray(alternatives)) return alternatives.map(expectation).join(" or ");
  if (Array.isArray(schema.type))
    return schema.type.map((type) => expectation({ ...schema, type })).join(" or ");
  switch (schema.type) {
    case "string":
      return textExpectation(schema);
    case "integer":
      return `a whole number${range(schema)}`;
    case "number":
      return `a number${range(schema)}`;
    case "boolean":
      return "true or false";
    case "array":
      return schema.items === undefined ? "a list" : `a list (each item ${expectation(schema.items)})`;
    case "object":
      return "a mapping";
    case "null":
      return "nothing";
    default:
      return "something else";
  }
}

function textExpectation(schema: Readonly<Record<string, unknown>>): string {
  if (typeof schema.patternErrorMessage === "string") return schema.patternErrorMessage;
  if (schema.pattern !== undefined) return `text that matches ${schema.pattern}`;
  if (schema.format !== undefined) return `text of the format ${schema.format}`;
  if (schema.maxLength !== undefined) return `text of at most ${schema.maxLength} characters`;
  if (Number(schema.minLength) > 1) return `text of at least ${schema.minLength} characters`;
  return schema.minLength === undefined ? "text" : "text that is not empty";
}

function range(schema: Readonly<Record<string, unknown>>): string {
  const bounds = [
    schema.minimum === undefined ? "" : `from ${schema.minimum}`,
    schema.exclusiveMinimum === undefined ? "" : `above ${schema.exclusiveMinimum}`,
    schema.maximum === undefined ? "" : `${schema.minimum === undefined ? "up " : ""}to ${schema.maximum}`,
    schema.exclusiveMaximum === undefined ? "" : `below ${schema.exclusiveMaximum}`,
    schema.multipleOf === undefined ? "" : `in steps of ${schema.multipleOf}`,
  ];
  return bounds
    .filter((bound) => bound !== "")
    .map((bound) => ` ${bound}`)
    .join("");
}

type SchemaError = ErrorObject<string, Readonly<Record<string, unknown>>>;

/**
 * Of a choice that failed, ajv reports every branch. A person meant one of them: the one whose type the value has;
 * without such a one the choice itself is what there is to say.
 */
function relevant(errors: readonly ErrorObject[]): readonly SchemaError[] {
  const isType = ({ keyword }: ErrorObject) => keyword === "type";
  const isChoice = ({ keyword }: ErrorObject) => keyword === "anyOf" || keyword === "oneOf";
  const mistyped = new Set(errors.filter(isType).map(place));
  const kept = errors.filter(
    (error) =>
      error.keyword !== "if" &&
      error.keyword !== "propertyNames" &&
      !(isChoice(error) && mistyped.has(place(error))),
  ) as SchemaError[];
  return kept.filter(isChoice).reduce<readonly SchemaError[]>((rest, choice) => {
    const branches = rest.filter((error) => isBranchOf(error, choice));
    const meant = branches.filter((error) => !isWrongBranch(branchOf(error, choice), branches, choice));
    const dropped =
      meant.length > 0 ? [...branches.filter((error) => !meant.includes(error)), choice] : branches;
    return rest.filter((error) => !dropped.includes(error));
  }, kept);
}

/** The same for all errors of one schema about one value. */
function place({ instancePath, schemaPath }: ErrorObject): string {
  return `${instancePath} ${schemaPath.slice(0, schemaPath.lastIndexOf("/"))}`;
}

function isBranchOf(error: ErrorObject, choice: ErrorObject): boolean {
  return (
    error.schemaPath.startsWith(`${choice.schemaPath}/`) && error.instancePath.startsWith(choice.instancePath)
  );
}

/** Without what is missing only because its name was misspelt: that is said by the misspelt name already. */
function unmisspelt(errors: readonly SchemaError[]): readonly SchemaError[] {
  const meant = new Set(
    errors
      .filter(({ keyword }) => keyword === "additionalProperties")
      .map(({ instancePath, params, parentSchema }) => {
        const names = Object.keys(parentSchema?.properties ?? {});
        return `${instancePath} ${closest(String(params.additionalProperty), names)}`;
      }),
  );
  return errors.filter((error) => !missing(error).some((name) => meant.has(`${error.instancePath} ${name}`)));
}

/** The names of which one must be there, of an error that says so. */
function missing(error: SchemaError): readonly string[] {
  if (error.keyword === "required") return [String(error.params.missingProperty)];
  if (error.keyword !== "oneOf" && error.keyword !== "anyOf") return [];
  return itemsOf(error.schema).flatMap((schema) =>
    isRecord(schema) ? itemsOf(schema.required).map(String) : [],
  );
}

function branchOf(error: ErrorObject, choice: ErrorObject): string | undefined {
  return error.schemaPath.slice(choice.schemaPath.length + 1).split("/")[0];
}

/** A branch is wrong as a whole when it asks for another type, another constant, or another set of properties. */
function isWrongBranch(
  branch: string | undefined,
  errors: readonly ErrorObject[],
  choice: ErrorObject,
): boolean {
  return errors.some(
    (error) =>
      branchOf(error, choice) === branch &&
      error.instancePath === choice.instancePath &&
      ["type", "const", "enum", "required"].includes(error.keyword),
  );
}

function findingOf(error: SchemaError, root: unknown, prefix: Path): Finding {
  const path = [...prefix, ...pathOf(error.instancePath, root)];
  const at = (path: Path, place: Finding["at"], message: string): Finding => ({ path, at: place, message });
  if (error.propertyName !== undefined) {
    const name = error.propertyName;
    return at(
      [...path, name],
      "key",
      `\`${name}\` must be ${expectation({ type: "string", ...error.parentSchema })}`,
    );
  }
  switch (error.keyword) {
    case "additionalProperties": {
      const name = String(error.params.additionalProperty);
      return at(
        [...path, name],
        "key",
        `unknown property \`${name}\`${known(name, error.parentSchema?.properties)}`,
      );
    }
    case "dependencies":
      return at(
        path,
        "key",
        `\`${error.params.property}\` needs \`${error.params.missingProperty}\` beside it`,
      );
    case "required":
      return at(path, "key", `${subject(path)}missing \`${error.params.missingProperty}\``);
    case "oneOf":
    case "anyOf":
      return choiceFinding(error, path);
    case "minItems":
    case "minProperties":
      return at(path, "value", `${label(path)} must have at least ${error.params.limit} ${things(error)}`);
    case "maxItems":
    case "maxProperties":
      return at(path, "value", `${label(path)} must have at most ${error.params.limit} ${things(error)}`);
    case "uniqueItems": {
      const again = Math.max(Number(error.params.i), Number(error.params.j));
      return at([...path, again], "value", `${label(path)} has ${show(itemsOf(error.data)[again])} twice`);
    }
    default:
      return at(path, "value", `${label(path)} must be ${expectation(error.parentSchema)}${butIs(error)}`);
  }
}

function things(error: SchemaError): string {
  const one = error.params.limit === 1;
  if (error.keyword.endsWith("Items")) return one ? "item" : "items";
  return one ? "entry" : "entries";
}

function choiceFinding(error: SchemaError, path: Path): Finding {
  const alternatives = itemsOf(error.schema).map((schema) =>
    isRecord(schema) ? itemsOf(schema.required) : [],
  );
  if (alternatives.some((required) => required.length === 0)) {
    const message = `${label(path)} must be ${expectation({ anyOf: error.schema })}${butIs(error)}`;
    return { path, at: "value", message };
  }
  const passing = error.params.passingSchemas;
  const names = (of: readonly unknown[]) => of.flat().map((name) => `\`${name}\``);
  const message = Array.isArray(passing)
    ? `${names(passing.map((index) => alternatives[index])).join(" and ")} exclude each other`
    : `missing ${names(alternatives).join(" or ")}`;
  return { path, at: "key", message: `${subject(path)}${message}` };
}

function butIs(error: SchemaError): string {
  const value = error.data;
  const unquoted = typeof value === "number" || typeof value === "boolean";
  const quotes = unquoted && error.parentSchema?.type === "string" ? " (put it in quotes)" : "";
  const values = error.parentSchema?.enum;
  const meant =
    typeof value === "string" && Array.isArray(values) ? didYouMean(value, values.map(String)) : "";
  return `, not ${show(value)}${quotes}${meant}`;
}

function known(name: string, properties: unknown): string {
  const names = isRecord(properties) ? Object.keys(properties) : [];
  const meant = didYouMean(name, names);
  if (meant !== "" || names.length === 0) return meant;
  return `; known here: ${names.map((each) => `\`${each}\``).join(", ")}`;
}

/** `\`cp1\`: ` for something with a name, so that "missing" says where; nothing for a list's item or the whole file. */
function subject(path: Path): string {
  return typeof path.at(-1) === "string" ? `${label(path)}: ` : "";
}

function label(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return "the file";
  if (typeof last === "string") return `\`${last}\``;
  const list = path.length > 1 ? ` of ${label(path.slice(0, -1))}` : "";
  return `item ${last + 1}${list}`;
}

function show(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}

/** A JSON pointer (RFC 6901) as a path; the value tells list indices from properties that look like numbers. */
function pathOf(pointer: string, root: unknown): Path {
  const path: (string | number)[] = [];
  let value = root;
  for (const token of pointer.split("/").slice(1)) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(value) ? Number(name) : name);
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return path;
}

function ownProperty(properties: Readonly<Record<string, JSONSchema>> | undefined, name: string) {
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

function distinct(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Map(findings.map((finding) => [JSON.stringify(finding), finding]));
  return [...seen.values()];
}
