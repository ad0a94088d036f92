import { lines, type Shell, sh, trusted } from "../shell.ts";
import { apiLibrary } from "./api-library.ts";
import { objectName } from "./object.ts";
import { type Json, manifestAgain } from "./object-path.ts";
import { nameOf, type ObjectRef, target } from "./object-ref.ts";
import { common, field, type OperationKind, type State } from "./operation.ts";

export interface ObjectGoneOperation extends ObjectRef {
  readonly kind: "object-gone";
}

export const objectResource = {
  type: "string",
  pattern: "^[a-z][a-z0-9]*(\\.[a-z0-9.-]+)?$",
  patternErrorMessage: "a resource in the singular, such as service or deployment.apps",
  description: "Its resource in the singular, such as service or deployment.apps.",
} as const;

const schema = {
  type: "object",
  description: "Delete an API object; what depends on it stays, orphaned.",
  properties: {
    kind: { const: "object-gone" },
    resource: {
      ...objectResource,
      // What is in them, or on them, could not be put back.
      not: {
        enum: ["namespace", "node", "customresourcedefinition", "persistentvolume", "persistentvolumeclaim"],
      },
    },
    name: objectName,
    namespace: { ...objectName, description: "Default: default." },
  },
  required: ["kind", "resource", "name"],
  additionalProperties: false,
} as const;

/** Also by their full names and short ones, as kubectl knows them. */
const kept =
  /^(ns|no|pv|pvc|crds?|(namespace|node|customresourcedefinition|persistentvolume|persistentvolumeclaim)s?)(\.|$)/;

const library = lines(
  apiLibrary,
  trusted(String.raw`
gone_read() { # namespace resource name
  api_answers
  object=$(object_get "$1" "$2" "$3" json)
  if [ -z "$object" ]; then put presence absent; return; fi
  put presence present
  # kubectl sorts what it prints, one field a line: all but what the API server sets by itself.
  put sha256 "$(printf '%s\n' "$object" | sed -e '/^    "status": {}/d' -e '/^    "status": {$/,/^    }/d' \
    -e '/^        "\(uid\|resourceVersion\|creationTimestamp\|generation\|selfLink\)":/d' | sha256sum | cut -d' ' -f1)"
  [ "$CONTENT" = no ] || note whole "$(printf '%s\n' "$object" | b64)"
}
`),
);

interface Whole {
  readonly metadata: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly {
      readonly controller?: boolean;
      readonly kind: string;
      readonly name: string;
    }[];
  };
  readonly [key: string]: Json | object;
}

/** An object as it was, from the note of a state; it is there whenever the object was. */
export const wholeOf = (before: State): Whole =>
  JSON.parse(Buffer.from(field(before.notes, "whole"), "base64").toString("utf8")) as Whole;

/** The manifest that makes an object again as it was. */
const manifestOf = (before: State) =>
  manifestAgain(wholeOf(before) as unknown as { readonly [key: string]: Json });

/**
 * Makes an object again as it was. Where `kubectl apply` has left its annotation, `kubectl create` writes another text into
 * it, so that one is put back.
 */
export function madeAgain(ref: ObjectRef, before: State): Shell {
  const { namespace = "default" } = ref;
  const create = sh`printf %s ${JSON.stringify(manifestOf(before))} | object_create ${namespace}`;
  const applied = wholeOf(before).metadata.annotations?.[appliedBy];
  if (applied === undefined) return create;
  const patch = JSON.stringify({ metadata: { annotations: { [appliedBy]: applied } } });
  return lines(create, sh`object_patch ${target(ref)} merge ${patch}`);
}

const appliedBy = "kubectl.kubernetes.io/last-applied-configuration";

/** An API object that is not there any more. */
export const objectGone: OperationKind<ObjectGoneOperation> = {
  ...common,
  kind: "object-gone",
  summary: schema.description,
  schema,
  library,
  through: "api",
  title: (spec) => `delete ${nameOf(spec)}`,
  owns: (spec) => [`object:${nameOf(spec)}`],
  commands: () => ["kubectl"],
  read: (spec) => sh`gone_read ${target(spec)}`,
  refusal(spec, before) {
    if (kept.test(spec.resource)) return `${nameOf(spec)}: kbreak deletes none of its kind`;
    if (before.values.presence !== "present") return `there is no ${nameOf(spec)}`;
    const { finalizers = [], ownerReferences = [] } = wholeOf(before).metadata;
    if (finalizers.length > 0)
      return `${nameOf(spec)} has finalizers (${finalizers.join(", ")}): what they would do cannot be taken back`;
    const owner = ownerReferences.find(({ controller = false }) => controller);
    if (owner !== undefined)
      return `${nameOf(spec)} belongs to ${owner.kind} ${owner.name}, which makes another one at once`;
    return undefined;
  },
  apply: (spec) => sh`object_delete ${target(spec)} orphan`,
  restore: (spec, before) =>
    lines(
      sh`api_answers
if [ -n "$(object_get ${target(spec)} name)" ]; then object_delete ${target(spec)} orphan; fi`,
      madeAgain(spec, before),
    ),
  inEffect: (_spec, _before, now) => now.values.presence === "absent",
  preview: (spec, before) => ({
    line: objectGone.title(spec),
    ...(spec.resource.startsWith("secret")
      ? {}
      : { before: `${JSON.stringify(manifestOf(before), undefined, 2)}\n`, after: "" }),
  }),
};
