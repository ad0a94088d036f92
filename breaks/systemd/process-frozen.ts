import { defineBreak, freeze, portMute } from "kbreak";

export default defineBreak({
  title: "A service that stands still",
  summary:
    "The freezer of the service's control group holds all its processes: they are there, use no CPU and answer nothing. systemd says that the service is active; its port takes connections, as the kernel does that, and nobody ever says a word.",
  difficulty: "hard",
  source: "Klustered, Polar Signals",
  reboot: "vanishes",
  parameters: {
    type: "object",
    properties: {
      unit: {
        type: "string",
        pattern: "^[A-Za-z0-9:_.@-]+\\.service$",
        default: "kubelet.service",
        description: "The service, such as kubelet.service or containerd.service.",
      },
      port: {
        type: "integer",
        minimum: 1,
        maximum: 65535,
        default: 10250,
        description: "A TCP port on which it listens at 127.0.0.1, and speaks TLS or HTTP: there it shows.",
      },
    },
    additionalProperties: false,
  },
  sees: "The node becomes NotReady. The service is active (running) and does not restart, its log ends in the middle, and whoever asks it anything waits for ever. Signals do nothing, and systemd refuses to stop it.",
  hints: [
    "It lives, and it does not move.",
    "It is not stopped by a signal, it does not wait for anything. Who else can hold a process?",
    "`systemctl status` says it in brackets; so does `cgroup.freeze` of its control group.",
  ],
  find: ["systemctl show -p ActiveState -p FreezerState {unit}", "systemctl status {unit} | head -n 4"],
  fix: ["systemctl thaw {unit}"],
  metric:
    'kube_node_status_condition{condition="Ready",status="unknown"}; rate(process_cpu_seconds_total) of 0.',
  prevention: "Watch cgroup.freeze of system services, and ask services whether they are well, not systemd.",
  operations: ({ unit }) => [freeze(unit)],
  symptom: ({ port }) => portMute("127.0.0.1", port),
});
