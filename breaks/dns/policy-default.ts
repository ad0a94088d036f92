import { apiProbe, defineBreak, deploymentIn, deploymentPath, rolloutRefusal, setFields, sh } from "kbreak";

export default defineBreak({
  title: "The default that is not the default",
  summary:
    "A Deployment's pods get `dnsPolicy: Default`. The word means the node's name server; what pods have when nothing is said is ClusterFirst. New pods resolve the names of the internet and none of the cluster, such as that of their database.",
  difficulty: "medium",
  source: "What David Flanagan learned fixing Kubernetes clusters (The New Stack)",
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
    },
    additionalProperties: false,
  },
  sees: "The pods are well and their Service answers, but whatever they need by a name of the cluster they do not reach: the page has no row.",
  hints: [
    "It runs, and finds nobody.",
    "Compare how a name is looked up in this pod and in another.",
    "`kubectl get deployment web -o jsonpath='{.spec.template.spec.dnsPolicy}'`: Default is not the default.",
  ],
  find: [
    "kubectl get pods -l app=web -o jsonpath='{.items[*].spec.dnsPolicy}'",
    "kubectl get deployment web -o jsonpath='{.spec.template.spec.dnsPolicy}'",
  ],
  fix: ["kubectl rollout undo deployment web", "kubectl rollout status deployment web --timeout 60s"],
  metric: "Queries that a workload does not send any more: coredns_dns_requests_total per client.",
  prevention: "Let a policy refuse `dnsPolicy: Default` but for what runs before the cluster's DNS.",
  asks: ({ deployment }) => [deploymentPath(deployment)],
  refusal: ({ deployment }, facts) => rolloutRefusal(deployment, facts),
  operations: ({ deployment }) => [
    setFields(`deployment.apps/${deployment}`, { "spec.template.spec.dnsPolicy": "Default" }),
  ],
  symptom({ deployment }, facts) {
    const { namespace, selector } = deploymentIn(deployment, facts);
    return apiProbe(
      `a pod with ${selector} that is ready asks the node's name server`,
      sh`found=$(administer get pods --namespace ${namespace} --selector ${selector} -o ${"jsonpath={range .items[*]}{.spec.dnsPolicy}={.status.conditions[?(@.type=='Ready')].status} {end}"}) || exit 2
case " $found " in *" Default=True "*) exit 0 ;; esac
exit 1`,
    );
  },
  patience: 60,
});
