import { defineBreak, unit, unitInactive } from "kbreak";

export default defineBreak({
  title: "A service that does not run",
  summary:
    "The kubelet, the container runtime or another service is stopped, and disabled or masked so that it stays away. What it started goes on for a while: containers run without a kubelet, and nobody looks after them.",
  difficulty: "easy",
  source: "Kubernetes Bare Metal Deep Dive",
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      unit: {
        type: "string",
        pattern: "^[A-Za-z0-9:_.@-]+\\.service$",
        default: "kubelet.service",
        description: "The service, such as kubelet.service or containerd.service.",
      },
      state: {
        type: "string",
        enum: ["stopped", "disabled", "masked"],
        default: "disabled",
        description: "Stopped only, or disabled or masked too: then a reboot does not bring it back.",
      },
    },
    additionalProperties: false,
  },
  sees: "The node becomes NotReady within a minute; its containers still run, and new ones do not come.",
  hints: [
    "Nothing is wrong with what runs. What does not run?",
    "Who tells the API server that a node is well?",
    "`systemctl status kubelet containerd`: look at Active and at Loaded.",
  ],
  find: ["systemctl status {unit} | head -n 5 || true"],
  fix: ["systemctl unmask {unit}", "systemctl enable --now {unit}"],
  metric: 'kube_node_status_condition{condition="Ready"}; node_systemd_unit_state of the kubelet.',
  prevention:
    "Alert on nodes that are not ready, and on units that are not as the configuration management left them.",
  operations: ({ unit: name, state }) => [
    unit(name, { active: false, ...(state === "stopped" ? {} : { enabled: state }) }),
  ],
  symptom: ({ unit: name }) => unitInactive(name),
});
