import { admissionPolicy, defineBreak, podRefused } from "kbreak";

export default defineBreak({
  title: "A policy of names",
  summary:
    "A ValidatingAdmissionPolicy, bound to one namespace, lets only such pods be created as have a name with a certain beginning, which none has. No webhook is behind it: the API server does it by itself.",
  difficulty: "medium",
  source: "Klustered (Rawkode)",
  needs: { roles: ["control-plane"], target: "cluster" },
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      name: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "namespace-guard",
        description: "Name of the policy and its binding.",
      },
      namespace: {
        type: "string",
        pattern: "^[a-z0-9-]+$",
        default: "default",
        description: "The namespace that it is bound to.",
      },
      beginning: {
        type: "string",
        pattern: "^[a-z0-9-]+$",
        default: "kube-",
        description: "With what the names of new pods must begin.",
      },
    },
    additionalProperties: false,
  },
  sees: "No new pod. The events of its ReplicaSet name a ValidatingAdmissionPolicy that denied the request.",
  hints: [
    "Who may say no, after everybody has said yes?",
    "There is no webhook. The API server can judge without one.",
    "`kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings`.",
  ],
  find: ["kubectl get validatingadmissionpolicy {name} -o jsonpath='{.spec.validations}'"],
  fix: ["kubectl delete validatingadmissionpolicybinding,validatingadmissionpolicy {name}"],
  metric: 'apiserver_validating_admission_policy_check_total{enforcement_action="deny"}.',
  prevention: "Bind a new policy with the action Warn or Audit first, and let few people bind policies.",
  operations: ({ name, namespace, beginning }) =>
    admissionPolicy(name, namespace, {
      resource: "pods",
      apiGroups: [""],
      operations: ["CREATE"],
      expression: `object.metadata.name.startsWith("${beginning}")`,
    }),
  symptom: ({ name, namespace }) => podRefused(namespace, `ValidatingAdmissionPolicy '${name}'`),
});
