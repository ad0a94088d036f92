import {
  COREFILE,
  COREFILE_PATIENCE,
  clusterNameUnknown,
  corefileIn,
  corefileRefusal,
  defineBreak,
  setFields,
} from "kbreak";

/** The `kubernetes` plugin's line: what answers before it stands in front of it, where it looks at home. */
const place = /^( *)kubernetes\b/m;

export default defineBreak({
  title: "The one name that does not exist",
  summary:
    "CoreDNS answers for one name itself, that there is no such one, before it asks Kubernetes. All other names resolve. It is in effect when the kubelet and CoreDNS have read the changed Corefile, which takes up to two minutes.",
  difficulty: "medium",
  source: "Klustered (Rawkode)",
  needs: { roles: ["control-plane"], target: "cluster" },
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      name: {
        type: "string",
        pattern: "^[a-z0-9-]{1,63}(\\.[a-z0-9-]{1,63})+$",
        default: "postgres.default.svc.cluster.local",
        description: "The full name that is denied, without the dot at its end.",
      },
    },
    additionalProperties: false,
  },
  sees: "An application does not find its database: no such host. The Service is there, has its endpoints, and other names resolve.",
  hints: [
    "It is always DNS. For whom, though?",
    "Try several names from a pod: is it all of them?",
    "`kubectl -n kube-system get configmap coredns -o yaml`: what does each block do?",
  ],
  find: ["kubectl -n kube-system get configmap coredns -o yaml | grep -A 2 template"],
  fix: [
    "kubectl -n kube-system get configmap coredns -o yaml | sed '/template IN ANY/,/}/d' | kubectl replace -f -",
    "kubectl -n kube-system delete pod -l k8s-app=kube-dns",
    "kubectl -n kube-system rollout status deployment coredns --timeout 90s",
  ],
  metric: 'coredns_dns_responses_total{rcode="NXDOMAIN"}, which grows by more than search domains explain.',
  prevention: "Keep the Corefile under version control, and let a tool compare it.",
  asks: () => [COREFILE],
  refusal({ name }, facts) {
    const text = corefileIn(facts);
    if (text.includes(`template IN ANY ${name} {`)) return `its Corefile denies ${name} already`;
    return corefileRefusal(facts) ?? (place.test(text) ? undefined : "its Corefile has no `kubernetes`");
  },
  operations: ({ name }, facts) => [
    setFields("configmap/kube-system/coredns", {
      "data.Corefile": corefileIn(facts).replace(
        place,
        (line, indent: string) =>
          `${indent}template IN ANY ${name} {\n${indent}   rcode NXDOMAIN\n${indent}}\n${line}`,
      ),
    }),
  ],
  symptom: ({ name }) => clusterNameUnknown(name),
  patience: COREFILE_PATIENCE,
});
