import { apiProbe, defineBreak, sh, takeLease } from "kbreak";

export default defineBreak({
  title: "A leader that does not exist",
  summary:
    "The lease by which the schedulers agree on their leader is held by somebody who does not exist, for a long time. The scheduler ends, as it has lost its lease, starts again, and waits for its turn. It looks well.",
  difficulty: "hard",
  source: "klustered path (leader election)",
  needs: { roles: ["control-plane"], target: "cluster" },
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      lease: {
        type: "string",
        enum: ["kube-scheduler", "kube-controller-manager"],
        default: "kube-scheduler",
        description: "The lease in kube-system, named after the component.",
      },
      holder: {
        type: "string",
        pattern: "^[A-Za-z0-9._-]+$",
        default: "cp0_0d1f6c1e-7c57-4a3e-9f0b-5f6a2f6c8d11",
        description: "Who holds it: the components name themselves by their host and a random number.",
      },
      seconds: {
        type: "integer",
        minimum: 60,
        maximum: 31_536_000,
        default: 86_400,
        description: "How long it is held.",
      },
    },
    additionalProperties: false,
  },
  sees: "New pods stay Pending without any event. The scheduler is Running, has restarted once, and its log ends with an attempt to acquire its lease.",
  hints: [
    "Everybody is at work. Or is somebody waiting?",
    "Of several that could do it, one does. Who is it, and when did it last say so?",
    "`kubectl -n kube-system get leases`, and the renewTime in `kubectl -n kube-system get lease kube-scheduler -o yaml`.",
  ],
  find: ["kubectl -n kube-system get lease {lease} -o jsonpath='{.spec}'"],
  fix: ["kubectl -n kube-system delete lease {lease}"],
  metric: "leader_election_master_status, whose sum over all instances of a component is 0.",
  prevention: "Alert when nobody leads. Only the component itself needs to write its lease.",
  operations: ({ lease, holder, seconds }) => [takeLease(lease, holder, seconds)],
  symptom: ({ lease }) =>
    apiProbe(
      `nobody renews the lease kube-system/${lease}`,
      // Whoever leads renews it every two seconds, and gives up after ten.
      sh`renewed=$(object_get kube-system lease ${lease} 'jsonpath={.spec.renewTime}') && [ -n "$renewed" ] || exit 2
renewed=$(date -d "$renewed" +%s) || exit 2
[ $(($(date +%s) - renewed)) -gt 20 ] || exit 1
exit 0`,
    ),
  patience: 60,
});
