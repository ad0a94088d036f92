import { certificateOutOfTime, clock, defineBreak, timeServicesOf, unit } from "kbreak";

export default defineBreak({
  title: "A clock that is wrong",
  summary:
    "Time services are stopped and the clock is moved, by default so far back that no certificate and no token is valid yet. The real-time clock stays right, so that a reboot mends it. Timers whose time lies in between run when the clock goes forward. Moved forward, what goes by age goes for good: finished Jobs, bootstrap tokens, old files; and a kubelet may renew its certificate.",
  difficulty: "medium",
  source: "Kubernetes Day 2 Operations, the identity loop",
  reboot: "vanishes",
  dangers: ["data-loss"],
  needs: { kernel: "own" },
  parameters: {
    type: "object",
    properties: {
      days: {
        type: "integer",
        minimum: -9000,
        maximum: 4000,
        default: -400,
        description: "Forward, or back when negative. kubeadm's certificates are valid for a year.",
      },
      hours: { type: "integer", minimum: -24, maximum: 24, default: 0, description: "Added to the days." },
      certificate: {
        type: "string",
        pattern: "^/",
        default: "/var/lib/kubelet/pki/kubelet-client-current.pem",
        description: "A certificate that is valid now and will not be then.",
      },
    },
    additionalProperties: false,
  },
  sees: '"x509: certificate has expired or is not yet valid" in the journals of the kubelet, the API server and etcd; the node becomes NotReady. The certificates are those that worked yesterday.',
  hints: [
    "Nobody has touched the certificates.",
    "Valid from when, until when: and when is it now?",
    "Compare `date` with the other nodes and with the hardware: cat /sys/class/rtc/rtc0/date",
  ],
  find: ["date", "cat /sys/class/rtc/rtc0/date", "timedatectl"],
  fix: [
    'date --set="@$(cat /sys/class/rtc/rtc0/since_epoch)"',
    "timedatectl set-ntp true || echo 'no time service is installed here'",
  ],
  metric: "node_timex_sync_status and node_timex_offset_seconds; time() - node_time_seconds for each node.",
  prevention: "Alert on a time service that is down, and on nodes whose clocks differ by more than a second.",
  refusal: ({ days, hours }) => (days === 0 && hours === 0 ? "`days` and `hours` are both 0" : undefined),
  operations({ days, hours }, facts) {
    const skew = (days * 24 + hours) * 3600;
    // What removes files by their age would find all of them old.
    const byAge = ["systemd-tmpfiles-clean.timer"].filter(
      (timer) => skew > 0 && facts.activeUnits.includes(timer),
    );
    return [
      ...[...timeServicesOf(facts), ...byAge].map((name) => unit(name, { active: false })),
      clock(skew),
    ];
  },
  symptom: ({ certificate }) => certificateOutOfTime(certificate),
});
