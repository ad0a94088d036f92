import { isDeepStrictEqual } from "node:util";
import { lines, type Shell, sh, trusted } from "../shell.ts";
import { apiLibrary } from "./api-library.ts";
import { objectName, refusedBy } from "./object.ts";
import { madeAgain, objectResource, wholeOf } from "./object-gone.ts";
import {
  answersOf,
  contains,
  entriesOnTheWay,
  type Field,
  isInList,
  type Json,
  jsonpathOf,
  leavesOf,
  patchOf,
  segmentsOf,
} from "./object-path.ts";
import { nameOf, type ObjectRef, target } from "./object-ref.ts";
import { common, type OperationKind, type State } from "./operation.ts";
import { hasOtherSets, historyRefusal, rolloutLibrary, setsForgotten, setsRead } from "./rollout.ts";

export interface ObjectFieldsOperation extends ObjectRef {
  readonly kind: "object-fields";
  /**
   * Values by path: `spec.ports[port=80].targetPort`, `metadata.labels["app.kubernetes.io/name"]`. `null` takes a field
   * away. Of a map only the fields that are named are changed; a list is changed as a whole, unless its path names an
   * entry.
   */
  readonly set: Readonly<Record<string, Json>>;
}

const schema = {
  type: "object",
  description: "Change fields of an API object, by the kubectl of a control plane node.",
  properties: {
    kind: { const: "object-fields" },
    resource: objectResource,
    name: objectName,
    namespace: { ...objectName, description: "Default: default." },
    set: {
      type: "object",
      minProperties: 1,
      propertyNames: {
        pattern:
          '^[A-Za-z][A-Za-z0-9_-]*(\\.[A-Za-z0-9_-]+|\\["[^"\\\\]+"\\]|\\[[A-Za-z0-9]+=[^\\]"\'\\\\]+\\])*$',
        patternErrorMessage: 'a path such as spec.ports[port=80].targetPort or metadata.labels["a.b/c"]',
      },
      description: "Values by path; null takes a field away.",
    },
  },
  required: ["kind", "resource", "name", "set"],
  additionalProperties: false,
} as const;

const library = lines(
  apiLibrary,
  rolloutLibrary,
  trusted(String.raw`
fields_refused() { # namespace resource name type patch
  api_refuses "$5" patch "$2" --namespace "$1" --type "$4" --patch-file /dev/stdin -- "$3"
}
`),
);

const fieldsOf = ({ set }: ObjectFieldsOperation): readonly Field[] =>
  Object.entries(set).flatMap(([path, value]) => leavesOf({ path, value }));

/** What was found of each field: nothing, or its value. */
const foundIn = (state: State): readonly (readonly Json[])[] =>
  state.values.fields === undefined
    ? []
    : answersOf(Buffer.from(state.values.fields, "base64").toString("utf8"));

/** A merge patch replaces lists; only a strategic one, which custom resources do not have, knows their entries. */
function patches(
  fields: readonly Field[],
  word: "object_patch" | "fields_refused",
  spec: ObjectFieldsOperation,
): Shell {
  const parts = [
    { type: "merge", some: fields.filter(({ path }) => !isInList(path)) },
    { type: "strategic", some: fields.filter(({ path }) => isInList(path)) },
  ].filter(({ some }) => some.length > 0);
  return lines(
    ...parts.map(
      ({ type, some }) => sh`${trusted(word)} ${target(spec)} ${type} ${JSON.stringify(patchOf(some))}`,
    ),
  );
}

const fieldsBefore = (spec: ObjectFieldsOperation, before: State): readonly Field[] =>
  fieldsOf(spec).map(({ path }, index) => ({ path, value: foundIn(before)[index]?.[0] ?? null }));

const isAsBefore = (before: State, now: State) =>
  now.values.presence === before.values.presence && isDeepStrictEqual(foundIn(now), foundIn(before));

const textOf = (fields: readonly Field[]) =>
  `${fields.map(({ path, value }) => `${path}: ${JSON.stringify(value, undefined, 2)}`).join("\n")}\n`;

/** Fields of an API object; whatever else is in it, or comes into it meanwhile, is not ours. */
export const objectFields: OperationKind<ObjectFieldsOperation> = {
  ...common,
  kind: "object-fields",
  summary: schema.description,
  schema,
  library,
  through: "api",
  title: (spec) => `change ${Object.keys(spec.set).join(", ")} of ${nameOf(spec)}`,
  owns: (spec) => fieldsOf(spec).map(({ path }) => `object:${nameOf(spec)} ${jsonpathOf(path)}`),
  commands: () => ["kubectl"],
  read: (spec) =>
    lines(
      sh`object_read ${target(spec)} ${fieldsOf(spec)
        .map(({ path }) => jsonpathOf(path))
        .join("")}`,
      setsRead(spec),
      sh`if [ "$CONTENT" != no ]; then
object_note ${target(spec)}`,
      patches(fieldsOf(spec), "fields_refused", spec),
      sh`fi`,
    ),
  refusal(spec, before) {
    if (before.values.presence !== "present") return `there is no ${nameOf(spec)}`;
    const whole = wholeOf(before) as unknown as Json;
    const missing = fieldsOf(spec)
      .flatMap(({ path }) => entriesOnTheWay(segmentsOf(path), whole))
      .at(0);
    if (missing !== undefined) return `${nameOf(spec)} has no ${missing}`;
    if (objectFields.inEffect(spec, before, before, undefined as never))
      return `${nameOf(spec)}: ${Object.keys(spec.set).join(", ")} is so already`;
    const history = historyRefusal(before);
    return history === undefined ? refusedBy(before) : `${nameOf(spec)}: ${history}`;
  },
  apply: (spec) => patches(fieldsOf(spec), "object_patch", spec),
  restore: (spec, before) =>
    lines(
      sh`api_answers
if [ -z "$(object_get ${target(spec)} name)" ]; then`,
      madeAgain(spec, before),
      sh`else`,
      patches(fieldsBefore(spec, before), "object_patch", spec),
      sh`fi`,
      setsForgotten(spec, before),
    ),
  inEffect: (spec, _before, now) =>
    now.values.presence === "present" &&
    fieldsOf(spec).every(({ value }, index) => contains(foundIn(now)[index]?.[0], value)),
  restored: (_spec, before, now) => isAsBefore(before, now),
  remains: (_spec, before, now) => isAsBefore(before, now) && hasOtherSets(before, now),
  preview: (spec, before) => ({
    line: objectFields.title(spec),
    ...(spec.resource.startsWith("secret")
      ? {}
      : { before: textOf(fieldsBefore(spec, before)), after: textOf(fieldsOf(spec)) }),
  }),
  text: (state) =>
    state.values.presence === "present" ? `${JSON.stringify(foundIn(state), undefined, 2)}\n` : undefined,
};
