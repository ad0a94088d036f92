import {
  cron,
  defineBreak,
  editFile,
  relapseParameters,
  relapseRepair,
  relapseScript,
  textPresent,
  writeFile,
} from "kbreak";

export default defineBreak({
  title: "Broken again, on the minute",
  summary:
    "A line in /etc/cron.d runs a script each minute that puts the broken version of a file back. Between two runs nothing of it is in the list of processes, and no unit tells of it.",
  difficulty: "easy",
  source: "Klustered path (Hans Kristian Flaatten & Zach Wachtel)",
  reboot: "re-arms",
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      ...relapseParameters,
      name: {
        type: "string",
        pattern: "^[A-Za-z0-9_-]+$",
        default: "sysstat-rotate",
        description: "Name of the file in /etc/cron.d, and of the script in /usr/local/lib.",
      },
    },
    additionalProperties: false,
  },
  sees: "A repair of the file holds for less than a minute, and is gone when the clock shows a new one.",
  hints: [
    "Repair it, and keep an eye on the clock.",
    "What on Linux does something every minute?",
    "Look into `/etc/cron.d`, /etc/crontab and `crontab -l`; the journal of cron names what it runs.",
  ],
  find: ["grep -rv '^#' /etc/cron.d /etc/crontab"],
  fix: ["rm -f /etc/cron.d/sysstat-rotate /usr/local/lib/sysstat-rotate", relapseRepair],
  metric:
    "kube_pod_container_status_restarts_total of the component, with a period of a minute; auditd on the folder of manifests.",
  prevention: "Nodes need no cron: leave it out of their image, or watch /etc/cron.d and /var/spool/cron.",
  operations({ name, ...relapse }) {
    const script = `/usr/local/lib/${name}`;
    return [
      editFile(relapse.path, [{ find: relapse.find, with: relapse.replace }]),
      writeFile(script, relapseScript(relapse), { mode: "0755" }),
      cron(name, script),
    ];
  },
  symptom: ({ path, replace }) => textPresent(path, replace),
});
