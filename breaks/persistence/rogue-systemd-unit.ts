import {
  defineBreak,
  editFile,
  ownService,
  relapseParameters,
  relapseRepair,
  relapseScript,
  textPresent,
  writeFile,
} from "kbreak";

export default defineBreak({
  title: "A unit that breaks it again",
  summary:
    "A systemd unit with an innocent name looks at a file every second and puts the broken version back as soon as somebody repairs it.",
  difficulty: "medium",
  source: "Klustered #11 (Kris Nóva)",
  reboot: "re-arms",
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      ...relapseParameters,
      unit: {
        type: "string",
        pattern: "^[a-z0-9][a-z0-9-]*$",
        default: "systemd-kernel-cache",
        description: "Name of the unit, and of its script in /usr/local/lib.",
      },
    },
    additionalProperties: false,
  },
  sees: "A repair of the file is gone a second later, also after a reboot.",
  hints: [
    "Repair it and look again.",
    "Something on this node disagrees with you. It starts with the system.",
    "systemctl list-units --type=service --state=running: one of them does not belong there.",
  ],
  find: ["systemctl list-units --type=service --state=running", "systemctl cat systemd-kernel-cache"],
  fix: [
    "systemctl disable --now systemd-kernel-cache.service",
    "rm -f /etc/systemd/system/systemd-kernel-cache.service /usr/local/lib/systemd-kernel-cache",
    "systemctl daemon-reload",
    relapseRepair,
  ],
  metric: "kube_pod_container_status_restarts_total of the component; auditd on the folder of manifests.",
  prevention:
    "Watch /etc/systemd/system for new units, and keep what a healthy node runs in version control.",
  operations({ unit, ...relapse }) {
    const script = `/usr/local/lib/${unit}`;
    return [
      editFile(relapse.path, [{ find: relapse.find, with: relapse.replace }]),
      writeFile(script, relapseScript(relapse, "while sleep 1; do relapse; done"), { mode: "0755" }),
      ...ownService(unit, "Kernel Cache Maintenance", script),
    ];
  },
  symptom: ({ path, replace }) => textPresent(path, replace),
});
