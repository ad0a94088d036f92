import { lines, sh, trusted } from "../shell.ts";
import { apiLibrary } from "./api-library.ts";
import { answersOf, contains, type Json, jsonpathOf } from "./object-path.ts";
import { common, field, type OperationKind, type State } from "./operation.ts";

/** An API object as a manifest has it. */
export interface Manifest {
  /** Such as `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    /** Default: default; of no account for what is in none. */
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [key: string]: unknown;
}

export interface ObjectOperation {
  readonly kind: "object";
  readonly manifest: Manifest;
  /** True: it breaks something again by itself, so undo deletes it first. */
  readonly actor?: boolean;
}

export const objectName = {
  type: "string",
  pattern: "^[A-Za-z0-9]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?$",
  patternErrorMessage: "a name as Kubernetes has them",
} as const;

const schema = {
  type: "object",
  description: "Create an API object, by the kubectl of a control plane node.",
  properties: {
    kind: { const: "object" },
    manifest: {
      type: "object",
      description: "The object, as `kubectl create` takes it.",
      properties: {
        apiVersion: { type: "string", pattern: "^([a-z0-9.-]+/)?v[0-9][a-z0-9]*$" },
        kind: {
          type: "string",
          pattern: "^[A-Z][A-Za-z0-9]*$",
          // With them undo would delete what others have put there.
          not: { enum: ["Namespace", "CustomResourceDefinition"] },
        },
        metadata: {
          type: "object",
          properties: { name: objectName, namespace: objectName },
          required: ["name"],
        },
      },
      required: ["apiVersion", "kind", "metadata"],
    },
    actor: { type: "boolean", description: "It breaks something again by itself. Default: false." },
  },
  required: ["kind", "manifest"],
  additionalProperties: false,
} as const;

const namespaceOf = ({ manifest }: ObjectOperation) => manifest.metadata.namespace ?? "default";

/** In full, as kubectl takes it: `Deployment.v1.apps`, `Service.v1.`. */
function resourceOf({ manifest: { apiVersion, kind } }: ObjectOperation): string {
  const [version = "", group = ""] = apiVersion.split("/").toReversed();
  return `${kind}.${version}.${group}`;
}

const nameOf = (spec: ObjectOperation) =>
  `${spec.manifest.kind.toLowerCase()} ${namespaceOf(spec)}/${spec.manifest.metadata.name}`;

/** What an object has beside its name; of its metadata only what people set. */
function contentOf({
  manifest,
}: ObjectOperation): readonly { readonly path: string; readonly value: Json }[] {
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = manifest;
  const set = [
    ...Object.entries(rest).map(([path, value]) => ({ path, value })),
    { path: "metadata.labels", value: metadata.labels },
    { path: "metadata.annotations", value: metadata.annotations },
  ];
  return set.flatMap(({ path, value }) => (value === undefined ? [] : [{ path, value: value as Json }]));
}

/** Writes only: the API server answers with `data` instead. */
const isReadable = ({ path }: { readonly path: string }) => path !== "stringData";

const library = lines(
  apiLibrary,
  trusted(String.raw`
made_end() { # namespace resource name
  case $2 in
  PersistentVolume.*)
    claim=$(object_get "$1" "$2" "$3" 'jsonpath={.spec.claimRef.namespace}/{.spec.claimRef.name}')
    if [ "$claim" != / ] && [ -n "$(object_get "${"$"}{claim%/*}" persistentvolumeclaim "${"$"}{claim#*/}" name)" ]; then
      echo "the claim $claim has it: delete that first, or undo with --exact" >&2
      return 1
    fi ;;
  PersistentVolumeClaim.*)
    volume=$(object_get "$1" "$2" "$3" 'jsonpath={.spec.volumeName}')
    if [ -n "$volume" ]; then
      policy=$(object_get "$1" persistentvolume "$volume" 'jsonpath={.spec.persistentVolumeReclaimPolicy}')
      [ "$policy" = Retain ] || { echo "with it the volume $volume would be deleted" >&2; return 1; }
    fi ;;
  esac
  object_delete "$1" "$2" "$3" foreground
}
`),
);

/** Why the API server would not take it, as it said in a dry run. */
export function refusedBy(before: State): string | undefined {
  const { refused } = before.notes;
  if (refused === undefined) return undefined;
  const why = Buffer.from(refused, "base64").toString("utf8").replace(/\s+/g, " ").trim();
  // A webhook with side effects, and a server that does not know it, refuse a dry run and not the change.
  return /dry ?run/i.test(why) ? undefined : `the API server refuses it: ${why}`;
}

/** An API object of ours. It carries no mark: it is known by its name and by what is in it. */
export const object: OperationKind<ObjectOperation> = {
  ...common,
  kind: "object",
  summary: schema.description,
  schema,
  library,
  through: "api",
  title: (spec) => `create ${nameOf(spec)}`,
  owns: (spec) => [`object:${nameOf(spec)}`],
  commands: () => ["kubectl"],
  actor: ({ actor = false }) => actor,
  read(spec) {
    const template = contentOf(spec)
      .filter(isReadable)
      .map(({ path }) => jsonpathOf(path));
    const target = sh`${namespaceOf(spec)} ${resourceOf(spec)} ${spec.manifest.metadata.name}`;
    return lines(
      sh`object_read ${target} ${`${jsonpathOf("metadata.name")}${template.join("")}`}`,
      sh`[ "$CONTENT" = no ] || api_refuses ${JSON.stringify(spec.manifest)} create --namespace ${namespaceOf(spec)} -f -`,
    );
  },
  refusal(spec, before) {
    if (before.values.presence === "present") return `there is a ${nameOf(spec)} already`;
    const { spec: volume } = spec.manifest as { readonly spec?: { readonly [key: string]: Json } };
    if (spec.manifest.kind === "PersistentVolume" && volume?.persistentVolumeReclaimPolicy !== "Retain")
      return `${nameOf(spec)}: undo deletes no data, so its persistentVolumeReclaimPolicy has to be Retain`;
    return refusedBy(before);
  },
  apply: (spec) => sh`printf %s ${JSON.stringify(spec.manifest)} | object_create ${namespaceOf(spec)}`,
  restore: (spec) =>
    sh`api_answers
made_end ${namespaceOf(spec)} ${resourceOf(spec)} ${spec.manifest.metadata.name}`,
  inEffect(spec, _before, now) {
    if (now.values.presence !== "present") return false;
    const [, ...answers] = answersOf(Buffer.from(field(now.values, "fields"), "base64").toString("utf8"));
    return contentOf(spec)
      .filter(isReadable)
      .every(({ value }, index) => contains(answers[index]?.[0], value));
  },
  // One write of the API server's.
  halfway: () => false,
  preview: (spec) => ({
    line: object.title(spec),
    ...(spec.manifest.kind === "Secret"
      ? {}
      : { before: "", after: `${JSON.stringify(spec.manifest, undefined, 2)}\n` }),
  }),
};
