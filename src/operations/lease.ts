import { lines, sh, trusted } from "../shell.ts";
import { apiLibrary } from "./api-library.ts";
import { objectName } from "./object.ts";
import { common, field, type OperationKind } from "./operation.ts";

export interface LeaseOperation {
  readonly kind: "lease";
  readonly name: string;
  readonly namespace?: string;
  /** Who holds it now. */
  readonly holder: string;
  /** Seconds until it would be up. */
  readonly seconds: number;
}

const schema = {
  type: "object",
  description: "Take the lease by which the replicas of a controller agree on their leader.",
  properties: {
    kind: { const: "lease" },
    name: objectName,
    namespace: { ...objectName, description: "Default: kube-system." },
    holder: { type: "string", minLength: 1, description: "Who holds it now." },
    seconds: { type: "integer", minimum: 1, maximum: 31_536_000 },
  },
  required: ["kind", "name", "holder", "seconds"],
  additionalProperties: false,
} as const;

const library = lines(
  apiLibrary,
  trusted(String.raw`
lease_read() { # namespace name holder
  api_answers
  holder=$(object_get "$1" lease "$2" 'jsonpath={.spec.holderIdentity}')
  if [ "$holder" = "$3" ]; then put ours yes; else put ours no; fi
  if [ "$CONTENT" = no ]; then return; fi
  note holder "$holder"
  note seconds "$(object_get "$1" lease "$2" 'jsonpath={.spec.leaseDurationSeconds}')"
}
`),
);

const namespaceOf = ({ namespace = "kube-system" }: LeaseOperation) => namespace;
const nameOf = (spec: LeaseOperation) => `${namespaceOf(spec)}/${spec.name}`;

function patchOf(holder: string, seconds: number, renewed: Date | undefined): string {
  const times = renewed === undefined ? {} : { renewTime: `${renewed.toISOString().slice(0, -1)}000Z` };
  return JSON.stringify({ spec: { holderIdentity: holder, leaseDurationSeconds: seconds, ...times } });
}

/**
 * Who holds a lease. Whoever holds one looks at it every few seconds, and ends when it is somebody else's; nobody takes
 * it until its time is up. So the leader that there was is not put back: the lease is set free, and the next one that asks
 * has it at once.
 */
export const lease: OperationKind<LeaseOperation> = {
  ...common,
  kind: "lease",
  summary: schema.description,
  schema,
  library,
  through: "api",
  title: (spec) => `take the lease ${nameOf(spec)} as ${spec.holder}`,
  owns: (spec) => [`lease:${nameOf(spec)}`],
  commands: () => ["kubectl"],
  read: (spec) => sh`lease_read ${namespaceOf(spec)} ${spec.name} ${spec.holder}`,
  refusal(spec, before) {
    if (!before.notes.holder) return `nobody holds a lease ${nameOf(spec)}`;
    return before.values.ours === "yes"
      ? `${spec.holder} holds the lease ${nameOf(spec)} already`
      : undefined;
  },
  apply: (spec) =>
    sh`object_patch ${namespaceOf(spec)} lease ${spec.name} merge ${patchOf(spec.holder, spec.seconds, undefined)}`,
  restore: (spec, before) =>
    sh`api_answers
if [ "$(object_get ${namespaceOf(spec)} lease ${spec.name} 'jsonpath={.spec.holderIdentity}')" = ${spec.holder} ]; then
  object_patch ${namespaceOf(spec)} lease ${spec.name} merge ${patchOf("", Number(field(before.notes, "seconds")), new Date(0))}
fi`,
  inEffect: (_spec, _before, now) => now.values.ours === "yes",
  restored: (_spec, _before, now) => now.values.ours === "no",
  halfway: () => false,
  preview: (spec) => ({ line: lease.title(spec) }),
};
