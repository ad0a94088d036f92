import { lines, sh, trusted } from "../shell.ts";
import { apiLibrary } from "./api-library.ts";
import { common, field, type OperationKind } from "./operation.ts";

export interface ReplicasOperation {
  readonly kind: "replicas";
  readonly deployment: string;
  readonly namespace?: string;
  readonly replicas: number;
}

const name = { type: "string", pattern: "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$" } as const;

const schema = {
  type: "object",
  description: "Scale a Deployment, by the kubectl of a control plane node.",
  properties: {
    kind: { const: "replicas" },
    deployment: { ...name, description: "Its name." },
    namespace: { ...name, description: "Default: default." },
    replicas: { type: "integer", minimum: 0, maximum: 1000 },
  },
  required: ["kind", "deployment", "replicas"],
  additionalProperties: false,
} as const;

const library = lines(
  apiLibrary,
  trusted(String.raw`
replicas_read() { # namespace deployment
  api_answers
  replicas=$(administer get deployment --ignore-not-found --namespace "$1" -o 'jsonpath={.spec.replicas}' -- "$2")
  put replicas "${"$"}{replicas:-none}"
  [ "$CONTENT" = no ] || note scaler "$(replicas_scaler "$1" "$2")"
}
replicas_scaler() { # namespace deployment: the autoscalers of the deployment
  administer get horizontalpodautoscaler --namespace "$1" \
    -o "jsonpath={range .items[?(@.spec.scaleTargetRef.kind=='Deployment')]}{.spec.scaleTargetRef.name}={.metadata.name} {end}" |
    tr ' ' '\n' | sed -n "s/^$2=//p" | tr '\n' ' '
}
replicas_scale() { # namespace deployment replicas
  administer scale deployment --namespace "$1" --replicas "$3" -- "$2" >/dev/null
}
`),
);

const namespaceOf = ({ namespace = "default" }: ReplicasOperation) => namespace;
const nameOf = (spec: ReplicasOperation) => `${namespaceOf(spec)}/${spec.deployment}`;

/** How many pods a Deployment wants. What its pods do is no state. */
export const replicas: OperationKind<ReplicasOperation> = {
  ...common,
  kind: "replicas",
  summary: schema.description,
  schema,
  library,
  through: "api",
  title: (spec) => `scale deployment ${nameOf(spec)} to ${spec.replicas}`,
  owns: (spec) => [`replicas:${nameOf(spec)}`],
  commands: () => ["kubectl"],
  read: (spec) => sh`replicas_read ${namespaceOf(spec)} ${spec.deployment}`,
  refusal(spec, before) {
    if (before.values.replicas === "none") return `there is no deployment ${nameOf(spec)}`;
    const scalers = before.notes.scaler?.trim();
    if (scalers) return `an autoscaler scales the deployment ${nameOf(spec)}: ${scalers}`;
    if (before.values.replicas === String(spec.replicas))
      return `the deployment ${nameOf(spec)} has ${spec.replicas} replicas already`;
    return undefined;
  },
  apply: (spec) => sh`replicas_scale ${namespaceOf(spec)} ${spec.deployment} ${spec.replicas}`,
  restore: (spec, before) =>
    sh`replicas_scale ${namespaceOf(spec)} ${spec.deployment} ${field(before.values, "replicas")}`,
  inEffect: (spec, _before, now) => now.values.replicas === String(spec.replicas),
  // One write of the API server's.
  halfway: () => false,
  gone: (_spec, _before, now) => now.values.replicas === "none",
  preview: (spec, before) => ({ line: `${replicas.title(spec)} (now ${before.values.replicas})` }),
};
