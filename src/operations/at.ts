import type { FromSchema } from "json-schema-to-ts";
import { lines, sh, trusted } from "../shell.ts";
import { markedProcesses } from "./marked.ts";
import { common, type OperationKind } from "./operation.ts";

const schema = {
  type: "object",
  description: "Queue a command of root's by at(1). What it queues itself belongs to it.",
  properties: {
    kind: { const: "at" },
    command: { type: "string", pattern: "^[^\\n\\u0000]+$", description: "One line of sh." },
    minutes: { type: "integer", minimum: 1, maximum: 1440, description: "When it runs, in minutes." },
  },
  required: ["kind", "command", "minutes"],
  additionalProperties: false,
} as const;

export type AtOperation = Readonly<FromSchema<typeof schema>>;

/**
 * at(1) writes the environment into the job, the job hands it on to what it queues itself: so a word in it tells our
 * jobs, whatever their numbers, and the processes of one that runs.
 */
const library = lines(
  markedProcesses,
  trusted(String.raw`
at_jobs() { # token: the files of our jobs, in Debian's folder and in that of others
  grep -lsF -- "INVOCATION_ID=$1;" /var/spool/cron/atjobs/* /var/spool/at/* /var/spool/atjobs/* || :
}
at_read() { # token
  if [ -n "$(at_jobs "$1")" ]; then put queued yes; else put queued no; fi
  # A job that runs is on its way back into the queue.
  if [ -n "$(process_pids "$1")" ]; then put running yes; fi
  if ! systemctl is-active -q atd.service; then note daemon missing; fi
}
at_queue() { # token minutes command
  printf '%s\n' "$3" | env -i HOME=/root LOGNAME=root PATH="$PATH" INVOCATION_ID="$1" at now + "$2" minutes
}
at_end() { # token: a job that runs is given time to end, as it may be half way to its next one
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    jobs=$(at_jobs "$1")
    [ -z "$jobs" ] || rm -f -- $jobs
    [ -n "$jobs$(process_pids "$1")" ] || return 0
    sleep 0.2
  done
  process_end "$1"
  jobs=$(at_jobs "$1")
  [ -z "$jobs" ] || rm -f -- $jobs
}
`),
);

export const at: OperationKind<AtOperation> = {
  ...common,
  kind: "at",
  summary: schema.description,
  schema,
  library,
  title: ({ command, minutes }) => `queue ${command} by at, for in ${minutes} min`,
  owns: ({ command }) => [`at:${command}`],
  commands: () => ["at", "grep", "systemctl"],
  actor: () => true,
  read: () => sh`at_read "$TOKEN"`,
  refusal: (_spec, before) => (before.notes.daemon === "missing" ? "atd does not run here" : undefined),
  apply: ({ command, minutes }) => sh`at_queue "$TOKEN" ${minutes} ${command}`,
  restore: () => sh`at_end "$TOKEN"`,
  inEffect: (_spec, _before, now) => now.values.queued === "yes" || now.values.running === "yes",
  remains: (_spec, _before, now) => now.values.queued === "yes" || now.values.running === "yes",
  preview: (spec) => ({ line: at.title(spec) }),
};
