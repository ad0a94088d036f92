import { admissionPolicy, createObject, defineBreak, podRefused } from "kbreak";

export default defineBreak({
  title: "A quota that says nothing",
  summary:
    "A ResourceQuota allows a namespace no new pod and no new ReplicaSet, so a rollout stands still. The events that would tell why are refused, too: quotas do not count them any more, so a policy denies them.",
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
        default: "compute",
        description: "Name of the ResourceQuota.",
      },
      policy: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "event-retention",
        description: "Name of the policy that denies events, and of its binding.",
      },
      namespace: {
        type: "string",
        pattern: "^[a-z0-9-]+$",
        default: "default",
        description: "The namespace that it restricts.",
      },
    },
    additionalProperties: false,
  },
  sees: "A new version is not rolled out: no ReplicaSet, no pod, and no event that says why.",
  hints: [
    "Nothing happens, and nobody says so. Does that happen elsewhere, too?",
    "Even events are objects, which somebody may refuse.",
    "`kubectl get resourcequota,validatingadmissionpolicies`, and the conditions of `kubectl describe deployment web`.",
  ],
  find: [
    "kubectl get resourcequota --all-namespaces",
    "kubectl get validatingadmissionpolicy {policy} -o jsonpath='{.spec.matchConstraints}'",
  ],
  fix: [
    "kubectl delete resourcequota {name} --namespace {namespace}",
    "kubectl delete validatingadmissionpolicybinding,validatingadmissionpolicy {policy}",
  ],
  metric: 'kube_resourcequota{type="used"} at or above its {type="hard"}.',
  prevention: "Alert before a quota is used up, and when a namespace has no event for long.",
  operations: ({ name, namespace, policy }) => [
    createObject({
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name, namespace },
      spec: { hard: { "count/pods": "1", "count/replicasets.apps": "0" } },
    }),
    ...admissionPolicy(policy, namespace, {
      resource: "events",
      apiGroups: ["", "events.k8s.io"],
      operations: ["CREATE", "UPDATE"],
      expression: "false",
    }),
  ],
  symptom: ({ namespace }) => podRefused(namespace, "exceeded quota"),
});
