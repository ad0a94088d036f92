import {
  defineBreak,
  editFile,
  linkFile,
  relapseParameters,
  relapseRepair,
  relapseScript,
  textPresent,
  unit,
  writeFile,
} from "kbreak";

export default defineBreak({
  title: "A repair that sets off its own undoing",
  summary:
    "A systemd path unit watches a file. Saving the repair is what starts the service that breaks it again, so it happens at once, and nothing runs in between.",
  difficulty: "hard",
  source: "Klustered path",
  reboot: "re-arms",
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      ...relapseParameters,
      unit: {
        type: "string",
        pattern: "^[a-z0-9][a-z0-9-]*$",
        default: "dpkg-db-verify",
        description: "Name of the two units, and of the script in /usr/local/lib.",
      },
    },
    additionalProperties: false,
  },
  sees: "The repair is gone the moment it is saved. No process does it, no timer is due, cron is empty.",
  hints: [
    "It happens when you save, not when a time has come.",
    "Something is told when the file changes. By whom?",
    "`systemctl list-units --type=path`: systemd watches files, too.",
  ],
  find: ["systemctl list-units --type=path --no-legend", "systemctl cat dpkg-db-verify.path"],
  fix: [
    "systemctl disable --now dpkg-db-verify.path",
    "rm -f /etc/systemd/system/dpkg-db-verify.* /usr/local/lib/dpkg-db-verify",
    "systemctl daemon-reload",
    relapseRepair,
  ],
  metric: 'node_systemd_unit_state{type="path"}: a unit that no other node has.',
  prevention:
    "Watch /etc/systemd/system for new units, and keep what a healthy node runs in version control.",
  operations({ unit: name, ...relapse }) {
    const script = `/usr/local/lib/${name}`;
    const watch = `${name}.path`;
    const file = (type: string) => `/etc/systemd/system/${name}.${type}`;
    return [
      editFile(relapse.path, [{ find: relapse.find, with: relapse.replace }]),
      writeFile(script, relapseScript(relapse), { mode: "0755" }),
      writeFile(file("service"), serviceFile(script), { reload: `${name}.service` }),
      writeFile(file("path"), pathFile(relapse.path), { reload: watch }),
      linkFile(`/etc/systemd/system/multi-user.target.wants/${watch}`, file("path"), { reload: watch }),
      unit(watch, { active: true }),
    ];
  },
  symptom: ({ path, replace }) => textPresent(path, replace),
});

const serviceFile = (script: string) => `[Unit]
Description=Verify the package database

[Service]
Type=oneshot
ExecStart=${script}
`;

const pathFile = (path: string) => `[Unit]
Description=Verify the package database when it changes

[Path]
PathChanged=${path}

[Install]
WantedBy=multi-user.target
`;
