import {
  apiProbe,
  createObject,
  defineBreak,
  deploymentIn,
  deploymentPath,
  rolloutRefusal,
  sh,
} from "kbreak";

export default defineBreak({
  title: "A budget that allows nothing",
  summary:
    "A PodDisruptionBudget for a Deployment's pods has maxUnavailable 0: no eviction is ever allowed. Nothing is wrong until somebody drains a node, for an upgrade for instance: the drain tries it again every five seconds, for ever.",
  difficulty: "medium",
  source: "day-2 operations (compute loop)",
  reboot: "survives",
  needs: { roles: ["control-plane"], target: "cluster" },
  parameters: {
    type: "object",
    properties: {
      deployment: {
        type: "string",
        pattern: "^[a-z0-9.-]+/[a-z0-9.-]+$",
        default: "default/web",
        description: "The Deployment, as namespace/name.",
      },
      name: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "web-ha",
        description: "Name of the budget.",
      },
    },
    additionalProperties: false,
  },
  sees: "`kubectl drain` hangs: Cannot evict pod as it would violate the pod's disruption budget.",
  hints: [
    "All is well as long as nobody has to go.",
    "Who forbids that a pod leaves its node, and how many may be missing?",
    "`kubectl get pdb -A`: ALLOWED DISRUPTIONS is 0.",
  ],
  find: ["kubectl get pdb -A"],
  fix: ["kubectl delete pdb web-ha"],
  metric: "kube_poddisruptionbudget_status_pod_disruptions_allowed == 0 for longer than a rollout takes.",
  prevention: "Let a policy refuse budgets with maxUnavailable 0, and drain in practice, not only in need.",
  asks: ({ deployment }) => [deploymentPath(deployment)],
  refusal: ({ deployment }, facts) => rolloutRefusal(deployment, facts),
  operations({ deployment, name }, facts) {
    const { namespace, labels } = deploymentIn(deployment, facts);
    return [
      createObject({
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name, namespace },
        spec: { maxUnavailable: 0, selector: { matchLabels: labels } },
      }),
    ];
  },
  symptom({ deployment }, facts) {
    const { namespace, selector } = deploymentIn(deployment, facts);
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    return apiProbe(
      `no pod of ${deployment} may be evicted`,
      sh`pod=$(administer get pods --namespace ${namespace} --selector ${selector} --field-selector status.phase=Running -o 'jsonpath={.items[0].metadata.name}') || exit 2
if why=$(printf '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"%s","namespace":"%s"},"deleteOptions":{"dryRun":["All"]}}' "$pod" ${namespace} |
  administer create --raw ${pods}"/$pod/eviction" -f - 2>&1 >/dev/null); then exit 1; fi
case $why in *"disruption budget"*) exit 0 ;; esac
exit 2`,
    );
  },
});
