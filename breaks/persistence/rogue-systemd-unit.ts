import { defineBreak, editFile, linkFile, quote, textPresent, unit, writeFile } from "kbreak";

export default defineBreak({
  title: "A unit that breaks it again",
  summary:
    "A systemd unit with an innocent name looks at a file every second and puts the broken version back as soon as somebody repairs it.",
  difficulty: "medium",
  source: "Klustered #11 (Kris Nóva); C01",
  reboot: "re-arms",
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      path: {
        type: "string",
        pattern: "^/",
        default: "/etc/kubernetes/manifests/kube-scheduler.yaml",
        description: "The file that keeps breaking.",
      },
      find: {
        type: "string",
        minLength: 1,
        default: "--leader-elect=true",
        description: "Text that is in the file exactly once.",
      },
      replace: {
        type: "string",
        minLength: 1,
        default: "--leader-elect=truee",
        description: "What is put in its place.",
      },
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
    "sed -i 's/--leader-elect=truee/--leader-elect=true/' /etc/kubernetes/manifests/kube-scheduler.yaml",
  ],
  metric: "kube_pod_container_status_restarts_total of the component; auditd on the folder of manifests.",
  prevention:
    "Watch /etc/systemd/system for new units, and keep what a healthy node runs in version control.",
  operations({ path, find, replace, unit: name }) {
    const script = `/usr/local/lib/${name}`;
    const service = `${name}.service`;
    const file = `/etc/systemd/system/${service}`;
    return [
      editFile(path, [{ find, with: replace }]),
      writeFile(script, watchdog(path, find, replace), { mode: "0755" }),
      writeFile(file, serviceFile(script), { reload: service }),
      linkFile(`/etc/systemd/system/multi-user.target.wants/${service}`, file, { reload: service }),
      unit(service, { active: true }),
    ];
  },
  symptom: ({ path, replace }) => textPresent(path, replace),
});

/**
 * Every second: where the sound text is back, it is replaced again. A person who removed the line altogether is left in
 * peace. `text` holds no trailing newline, as command substitution drops it, so printf gives it back.
 */
function watchdog(path: string, find: string, replace: string): string {
  return `#!/bin/sh
file=${quote(path)}
find=${quote(find)}
replace=${quote(replace)}
while sleep 1; do
  text=$(cat -- "$file") || continue
  case $text in
  *"$replace"*) ;;
  *"$find"*) printf '%s\\n' "\${text%%"$find"*}$replace\${text#*"$find"}" > "$file" ;;
  esac
done
`;
}

function serviceFile(script: string): string {
  return `[Unit]
Description=Kernel Cache Maintenance

[Service]
ExecStart=${script}
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
`;
}
