import { apiProbe, createObject, defineBreak, sh } from "kbreak";

const DAEMONS = "/apis/apps/v1/daemonsets";

/** DaemonSets of what enforces NetworkPolicies; with the others such a policy is an object and no more. */
const enforcers = /^(calico-node|canal|cilium|kube-router|antrea-agent|weave-net|kube-network-policies)$/;

export default defineBreak({
  title: "A policy that allows nothing",
  summary:
    "A NetworkPolicy that is called allow-all selects every pod of the namespace and has no rule for what may come in: so nothing may. Where a network add-on enforces it, the page is reached by nobody, though its pods and Service are well.",
  difficulty: "medium",
  source: "Klustered, Alex Jones and Alistair Hey",
  reboot: "survives",
  needs: { roles: ["control-plane"], target: "cluster" },
  parameters: {
    type: "object",
    properties: {
      namespace: {
        type: "string",
        pattern: "^[a-z0-9-]+$",
        default: "default",
        description: "The namespace whose pods are reached no more.",
      },
      service: {
        type: "string",
        pattern: "^[a-z0-9-]+$",
        default: "web",
        description: "A Service there that answered until then.",
      },
      name: {
        type: "string",
        pattern: "^[a-z0-9.-]+$",
        default: "allow-all",
        description: "What the policy is called.",
      },
    },
    additionalProperties: false,
  },
  sees: "Connections to the pods time out, through their Service too; the pods are Ready and have endpoints.",
  hints: [
    "Everybody is at home, and nobody opens.",
    "Who may speak with whom is written down somewhere.",
    "`kubectl get networkpolicy -A`, and read what it says, not how it is called.",
  ],
  find: ["kubectl get networkpolicy -A", "kubectl describe networkpolicy allow-all"],
  fix: ["kubectl delete networkpolicy allow-all"],
  metric:
    "Packets that the network add-on drops by policy, such as cilium_drop_count_total or calico_denied_packets.",
  prevention: "Show what a policy allows before it is applied, and review names against rules.",
  asks: () => [DAEMONS],
  refusal(_, { objects }) {
    const { items = [] } = (objects[DAEMONS] ?? {}) as {
      readonly items?: readonly { readonly metadata: { readonly name: string } }[];
    };
    if (items.some(({ metadata }) => enforcers.test(metadata.name))) return undefined;
    const names = items.map(({ metadata }) => metadata.name).join(", ") || "none";
    return `nothing in this cluster enforces NetworkPolicies (its DaemonSets: ${names})`;
  },
  operations: ({ namespace, name }) => [
    createObject({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name, namespace },
      spec: { podSelector: {}, policyTypes: ["Ingress"] },
    }),
  ],
  symptom: ({ namespace, service }) =>
    apiProbe(
      `the pods of ${namespace}/${service} take no connection`,
      sh`ends=$(administer get endpoints --namespace ${namespace} -o ${`jsonpath={range .subsets[*]}{.addresses[0].ip} {.ports[0].port}{end}`} -- ${service} 2>/dev/null) || exit 2
[ -n "$ends" ] || exit 2
if nc -n -z -w 3 $ends; then exit 1; fi
exit 0`,
    ),
  patience: 60,
});
