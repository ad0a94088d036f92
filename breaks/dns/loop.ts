import {
  COREFILE,
  COREFILE_PATIENCE,
  corefileIn,
  corefileRefusal,
  defineBreak,
  podsStuck,
  setFields,
} from "kbreak";

/** Where names outside of the cluster are asked for. */
const place = /^( *forward +\. +)[^\n{]*?( *\{)?$/m;

export default defineBreak({
  title: "A name server that asks itself",
  summary:
    "CoreDNS forwards what it does not know to itself. It notices the loop as soon as it has read that, ends, and does so again at each start, so that soon nobody answers any name. It takes up to two minutes until the changed Corefile is read.",
  difficulty: "medium",
  source: "Klustered, Thomas Strömberg",
  needs: { roles: ["control-plane"], target: "cluster" },
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      upstream: {
        type: "string",
        pattern: "^[0-9a-f.:]+$",
        default: "127.0.0.1",
        description: "An address at which CoreDNS's pods reach themselves.",
      },
    },
    additionalProperties: false,
  },
  sees: "CoreDNS is in CrashLoopBackOff, and no name resolves in pods.",
  hints: [
    "Who does not know asks somebody who does. Does that one know?",
    "What did it say before it ended?",
    "`kubectl -n kube-system logs -l k8s-app=kube-dns --previous`: Loop detected. See `forward` in the ConfigMap coredns.",
  ],
  find: [
    "kubectl -n kube-system get pods -l k8s-app=kube-dns",
    "kubectl -n kube-system get configmap coredns -o yaml | grep forward",
  ],
  fix: [
    "kubectl -n kube-system get configmap coredns -o yaml | sed 's|forward \\. {upstream}|forward . /etc/resolv.conf|' | kubectl replace -f -",
    "kubectl -n kube-system delete pod -l k8s-app=kube-dns",
    "kubectl -n kube-system rollout status deployment coredns --timeout 90s",
  ],
  metric: "kube_pod_container_status_restarts_total of CoreDNS; coredns_forward_requests_total.",
  prevention: "Name real servers in `forward`, and never a resolv.conf that leads back to the cluster.",
  asks: () => [COREFILE],
  refusal(_, facts) {
    const text = corefileIn(facts);
    if (!place.test(text)) return "its Corefile forwards nothing (`forward .`)";
    if (!/^ *loop\b/m.test(text)) return "its Corefile has no `loop`, so CoreDNS would not notice";
    return corefileRefusal(facts);
  },
  operations: ({ upstream }, facts) => [
    setFields("configmap/kube-system/coredns", {
      "data.Corefile": corefileIn(facts).replace(
        place,
        (_, forward: string, brace = "") => `${forward}${upstream}${brace}`,
      ),
    }),
  ],
  symptom: () => podsStuck("kube-system", "k8s-app=kube-dns", "CrashLoopBackOff", "Error"),
  patience: COREFILE_PATIENCE,
});
