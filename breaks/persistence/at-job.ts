import {
  at,
  defineBreak,
  editFile,
  relapseParameters,
  relapseRepair,
  relapseScript,
  textPresent,
  writeFile,
} from "kbreak";

export default defineBreak({
  title: "A job that queues itself again",
  summary:
    "A job of at(1) puts the broken version of a file back, and then queues itself again for the next minute. Who takes one job out of the queue while it runs finds another one in it.",
  difficulty: "medium",
  source: "Klustered path (The Community vs. Rawkode)",
  reboot: "re-arms",
  needs: { roles: ["control-plane"], commands: ["atq", "atrm"] },
  parameters: {
    type: "object",
    properties: {
      ...relapseParameters,
      script: {
        type: "string",
        pattern: "^/[A-Za-z0-9/._-]+$",
        default: "/usr/local/lib/log-compress",
        description: "Where the job's script goes.",
      },
      minutes: { type: "integer", minimum: 1, maximum: 60, default: 1, description: "Its period." },
    },
    additionalProperties: false,
  },
  sees: "A repair of the file is gone a minute later. No timer, no cron line, no process that stays.",
  hints: [
    "It is not cron, and no unit. What else can wait?",
    "There is an older way to do something later, and only once.",
    "`atq` lists the jobs, `at -c NUMBER` shows one, `atrm NUMBER` removes it: stop what queues them first.",
  ],
  find: ["atq", "for job in $(atq | cut -f1); do at -c $job | tail -n 2; done"],
  fix: ["rm -f /usr/local/lib/log-compress", "atrm $(atq | cut -f1)", relapseRepair],
  metric:
    "kube_pod_container_status_restarts_total of the component; the number of files in /var/spool/cron/atjobs.",
  prevention: "Leave at out of the image of a node, or allow nobody to use it: an empty /etc/at.allow.",
  operations({ script, minutes, ...relapse }) {
    const again = `relapse\necho ${script} | at now + ${minutes} minutes 2>/dev/null`;
    return [
      editFile(relapse.path, [{ find: relapse.find, with: relapse.replace }]),
      writeFile(script, relapseScript(relapse, again), { mode: "0755" }),
      at(script, minutes),
    ];
  },
  symptom: ({ path, replace }) => textPresent(path, replace),
});
