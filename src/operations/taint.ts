import { lines, sh, trusted } from "../shell.ts";
import { apiLibrary } from "./api-library.ts";
import { objectName } from "./object.ts";
import { answersOf } from "./object-path.ts";
import { common, field, type OperationKind, type State } from "./operation.ts";

export interface TaintOperation {
  readonly kind: "taint";
  readonly node: string;
  readonly key: string;
  readonly value?: string;
  readonly effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

const schema = {
  type: "object",
  description: "Taint a node, by the kubectl of a control plane node.",
  properties: {
    kind: { const: "taint" },
    node: { ...objectName, description: "The node's name in the cluster." },
    key: { type: "string", pattern: "^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$" },
    value: { type: "string", pattern: "^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$" },
    effect: { type: "string", enum: ["NoSchedule", "PreferNoSchedule", "NoExecute"] },
  },
  required: ["kind", "node", "key", "effect"],
  additionalProperties: false,
} as const;

const library = lines(
  apiLibrary,
  trusted(String.raw`
taint_read() { # node key
  api_answers
  found=$(object_get default node "$1" name)
  if [ -z "$found" ]; then put presence absent; return; fi
  put presence present
  put taints "$(object_get default node "$1" "jsonpath-as-json={.spec.taints[?(@.key==\"$2\")]}" | b64)"
}
`),
);

interface Taint {
  readonly effect: string;
  readonly value?: string;
}

/** A node may have a key more than once, with other effects. */
function valueIn({ effect }: TaintOperation, state: State): string | undefined {
  const [all = []] = answersOf(Buffer.from(field(state.values, "taints"), "base64").toString("utf8"));
  const found = (all as readonly unknown[] as readonly Taint[]).find((one) => one.effect === effect);
  return found === undefined ? undefined : (found.value ?? "");
}

const words = ({ key, effect }: TaintOperation, value: string) =>
  value === "" ? `${key}:${effect}` : `${key}=${value}:${effect}`;

/** One taint of a node: a key with an effect. */
export const taint: OperationKind<TaintOperation> = {
  ...common,
  kind: "taint",
  summary: schema.description,
  schema,
  library,
  through: "api",
  title: (spec) => `taint node ${spec.node} with ${words(spec, spec.value ?? "")}`,
  owns: ({ node, key, effect }) => [`taint:${node} ${key}:${effect}`],
  commands: () => ["kubectl"],
  read: ({ node, key }) => sh`taint_read ${node} ${key}`,
  refusal(spec, before) {
    if (before.values.presence !== "present") return `there is no node ${spec.node}`;
    if (valueIn(spec, before) === (spec.value ?? ""))
      return `the node ${spec.node} has the taint ${words(spec, spec.value ?? "")} already`;
    return undefined;
  },
  apply: (spec) =>
    sh`administer taint node ${spec.node} ${words(spec, spec.value ?? "")} --overwrite >/dev/null`,
  restore(spec, before) {
    const value = valueIn(spec, before);
    if (value !== undefined)
      return sh`api_answers
administer taint node ${spec.node} ${words(spec, value)} --overwrite >/dev/null`;
    // kubectl complains of a taint that is gone already.
    return sh`api_answers
administer taint node ${spec.node} ${`${words(spec, "")}-`} >/dev/null 2>&1 || :`;
  },
  inEffect: (spec, _before, now) =>
    now.values.presence === "present" && valueIn(spec, now) === (spec.value ?? ""),
  restored: (spec, before, now) =>
    now.values.presence === "present" && valueIn(spec, now) === valueIn(spec, before),
  // A node that left the cluster took it along; nobody has fixed anything.
  gone: (_spec, _before, now) => now.values.presence === "absent",
  halfway: () => false,
  preview: (spec) => ({ line: taint.title(spec) }),
};
