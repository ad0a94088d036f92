/** Where a field of an API object is, and how it is read and patched. */

/** Any JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A key of a map; with `entry`, the entry of the list there whose field `entry.key` is `entry.value`. */
interface Segment {
  readonly name: string;
  readonly entry?: { readonly key: string; readonly value: string | number };
}

const piece = /\.?([A-Za-z0-9_-]+)|\["([^"\\]+)"\]|\[([A-Za-z0-9]+)=([^\]"'\\]+)\]/y;

/**
 * Takes a path apart: `spec.ports[port=80].targetPort`, `metadata.labels["app.kubernetes.io/name"]`.
 * A value of digits is a number, as ports are.
 * @throws SyntaxError that names the place.
 */
export function segmentsOf(path: string): readonly Segment[] {
  const segments: Segment[] = [];
  piece.lastIndex = 0;
  while (piece.lastIndex < path.length) {
    const at = piece.lastIndex;
    const [, plain, quoted, key, value] = piece.exec(path) ?? [];
    const name = plain ?? quoted;
    const last = segments.at(-1);
    if (name !== undefined) segments.push({ name });
    else if (key !== undefined && value !== undefined && last !== undefined && last.entry === undefined)
      segments[segments.length - 1] = {
        name: last.name,
        entry: { key, value: /^[0-9]+$/.test(value) ? Number(value) : value },
      };
    else throw new SyntaxError(`\`${path}\` is no path of a field: at \`${path.slice(at)}\``);
  }
  return segments;
}

/** kubectl's expression for a path. */
export function jsonpathOf(path: string): string {
  const parts = segmentsOf(path).map(({ name, entry }) => {
    const key = `.${name.replaceAll(".", "\\.")}`;
    return entry === undefined ? key : `${key}[?(@.${entry.key}==${JSON.stringify(entry.value)})]`;
  });
  return `{${parts.join("")}}`;
}

/** True when the path leads through an entry of a list. */
export const isInList = (path: string) => segmentsOf(path).some(({ entry }) => entry !== undefined);

/** The entries of lists that a path leads through, below its end, and that are not there: as a person would say them. */
export function entriesOnTheWay(segments: readonly Segment[], object: Json | undefined): readonly string[] {
  let now = object;
  for (const [index, { name, entry }] of segments.entries()) {
    now = isMap(now ?? null) ? (now as { readonly [key: string]: Json })[name] : undefined;
    if (entry === undefined) continue;
    const { key, value } = entry;
    now = Array.isArray(now) ? now.find((one: Json) => isMap(one) && one[key] === value) : undefined;
    if (now === undefined && index < segments.length - 1) return [`${name} with the ${key} ${value}`];
  }
  return [];
}

export interface Field {
  readonly path: string;
  /** `null`: it is not there. */
  readonly value: Json;
}

/** A field whose value is a map is the fields in it: whatever else is in the map is not ours. */
export function leavesOf({ path, value }: Field): readonly Field[] {
  if (typeof value !== "object" || value === null || isList(value) || segmentsOf(path).at(-1)?.entry)
    return [{ path, value }];
  return Object.entries(value).flatMap(([key, one]) => leavesOf({ path: `${path}["${key}"]`, value: one }));
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/**
 * A patch that gives fields their values: a merge patch, or, for paths through lists, a strategic one, which needs the
 * list's own merge key in the path, such as `name` of containers and `port` of a Service's ports.
 */
export function patchOf(fields: readonly Field[]): Json {
  return fields.map(({ path, value }) => nested(segmentsOf(path), value)).reduce(merged, {});
}

function nested(segments: readonly Segment[], value: Json): Json {
  const [first, ...rest] = segments;
  if (first === undefined) return value;
  const { name, entry } = first;
  if (entry === undefined) return { [name]: nested(rest, value) };
  const key = { [entry.key]: entry.value };
  if (rest.length > 0) return { [name]: [merged(key, nested(rest, value))] };
  return { [name]: [value === null ? { ...key, $patch: "delete" } : merged(key, value)] };
}

/** Both. Where both have a list, it is one of entries that begin with their key: those of the same key become one. */
function merged(one: Json, other: Json): Json {
  if (isMap(one) && isMap(other)) {
    const result: Record<string, Json> = { ...one };
    for (const [key, value] of Object.entries(other)) {
      const already = result[key];
      result[key] = already === undefined ? value : merged(already, value);
    }
    return result;
  }
  if (isList(one) && isList(other)) {
    const at = one.findIndex((entry) => other.some((another) => keyOf(another) === keyOf(entry)));
    const same = one[at];
    return same === undefined
      ? [...one, ...other]
      : one.with(
          at,
          other.reduce((entry: Json, another) => merged(entry, another), same),
        );
  }
  return other;
}

const keyOf = (entry: Json) => JSON.stringify(Object.entries(entry ?? {})[0]);

const isMap = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !isList(value);

/** Whether `now` has all that `wanted` has; what the API server adds by default does not count. Lists count as a whole. */
export function contains(now: Json | undefined, wanted: Json): boolean {
  if (now === undefined) return wanted === null;
  if (isMap(wanted))
    return isMap(now) && Object.entries(wanted).every(([key, value]) => contains(now[key], value));
  if (isList(wanted))
    return (
      Array.isArray(now) &&
      now.length === wanted.length &&
      wanted.every((value, index) => contains(now[index], value))
    );
  return now === wanted;
}

/**
 * The answers of kubectl's `jsonpath-as-json` to several expressions: for each a list of what was found, one behind the
 * other, each ending with a bracket at the beginning of a line.
 */
export function answersOf(text: string): readonly (readonly Json[])[] {
  return text
    .split(/(?<=^\]|^\[\])\n/m)
    .filter((part) => part.trim() !== "")
    .map((part) => JSON.parse(part) as Json[]);
}

/** What the API server keeps of an object by itself, and does not take from who creates it. */
const ofTheServer = [
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "generation",
  "managedFields",
  "selfLink",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
];

/** An object as it has to be created to be what it was. */
export function manifestAgain(object: { readonly [key: string]: Json }): Json {
  const { status: _status, metadata, ...rest } = object;
  const kept = Object.entries(isMap(metadata ?? null) ? (metadata as { readonly [key: string]: Json }) : {});
  return {
    ...rest,
    metadata: Object.fromEntries(kept.filter(([key]) => !ofTheServer.includes(key))),
  };
}
