import { createObject } from "../operations/constructors.ts";
import type { AnyOperation } from "../operations/index.ts";

const API = "admissionregistration.k8s.io/v1";

interface PolicyRule {
  /** Such as `pods`. */
  readonly resource: string;
  readonly apiGroups: readonly string[];
  readonly operations: readonly ("CREATE" | "UPDATE")[];
  /** In CEL: what has to be true of `object`. */
  readonly expression: string;
}

/**
 * A ValidatingAdmissionPolicy for one namespace, and its binding of the same name: the API server denies by itself, without
 * a webhook, what does not fit.
 */
export function admissionPolicy(
  name: string,
  namespace: string,
  { resource, apiGroups, operations, expression }: PolicyRule,
): readonly AnyOperation[] {
  return [
    createObject({
      apiVersion: API,
      kind: "ValidatingAdmissionPolicy",
      metadata: { name },
      spec: {
        failurePolicy: "Fail",
        matchConstraints: {
          resourceRules: [{ apiGroups, apiVersions: ["*"], operations, resources: [resource] }],
        },
        validations: [{ expression }],
      },
    }),
    createObject({
      apiVersion: API,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name },
      spec: {
        policyName: name,
        validationActions: ["Deny"],
        matchResources: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } } },
      },
    }),
  ];
}
