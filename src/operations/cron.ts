import type { FromSchema } from "json-schema-to-ts";
import { lines, sh, trusted } from "../shell.ts";
import { type FileOperation, file } from "./file.ts";
import { fileLibrary } from "./file-library.ts";
import { markedProcesses } from "./marked.ts";
import { common, type OperationKind } from "./operation.ts";

const schema = {
  type: "object",
  description: "Run a command as root by cron, from a file of its own in /etc/cron.d.",
  properties: {
    kind: { const: "cron" },
    name: {
      type: "string",
      pattern: "^[A-Za-z0-9_-]+$",
      description: "Name of the file; cron passes over names with a dot.",
    },
    schedule: {
      type: "string",
      pattern: "^(\\S+ ){4}\\S+$",
      description: "Minute, hour, day of the month, month, day of the week: `* * * * *` is every minute.",
    },
    command: { type: "string", pattern: "^[^%\\n]+$", description: "To cron a percent sign ends the line." },
  },
  required: ["kind", "name", "schedule", "command"],
  additionalProperties: false,
} as const;

export type CronOperation = Readonly<FromSchema<typeof schema>>;

const library = lines(
  fileLibrary,
  markedProcesses,
  trusted(String.raw`
cron_daemon() { # Debian's name, and that of others
  for unit in cron.service crond.service cronie.service; do
    if systemctl is-active -q "$unit" 2>/dev/null; then note daemon yes; fi
  done
}
`),
);

/** A job inherits the variables of its table: by this one undo knows a job that cron had begun before. */
const fileOf = ({ name, schedule, command }: CronOperation, token: string): FileOperation => ({
  kind: "file",
  path: `/etc/cron.d/${name}`,
  content: `INVOCATION_ID=${token}\n${schedule} root ${command}\n`,
});

export const cron: OperationKind<CronOperation> = {
  ...common,
  kind: "cron",
  summary: schema.description,
  schema,
  library,
  title: ({ command, schedule }) => `let cron run ${command} (${schedule})`,
  owns: (spec) => file.owns(fileOf(spec, "")),
  commands: (spec) => [...file.commands(fileOf(spec, "")), "grep", "systemctl"],
  actor: () => true,
  folders: (spec) => file.folders(fileOf(spec, "")),
  read: (spec) => lines(file.read(fileOf(spec, "")), sh`cron_daemon`),
  refusal(spec, before, held) {
    if (before.values.type !== "absent") return `/etc/cron.d/${spec.name} is already there`;
    if (before.notes.daemon !== "yes") return "cron does not run here";
    return file.refusal(fileOf(spec, held.token), before, held);
  },
  apply: (spec, before, held) => file.apply(fileOf(spec, held.token), before, held),
  restore: (spec, before, held) =>
    lines(file.restore(fileOf(spec, held.token), before, held), sh`process_end "$TOKEN"`),
  inEffect: (spec, before, now, held) => file.inEffect(fileOf(spec, held.token), before, now, held),
  restored: (spec, before, now) => file.restored(fileOf(spec, ""), before, now),
  remains: (spec, before, now) => file.remains(fileOf(spec, ""), before, now),
  halfway: (spec, before, now) => file.halfway(fileOf(spec, ""), before, now),
  preview: (spec, before, held) => ({
    ...file.preview(fileOf(spec, held.token), before, held),
    line: cron.title(spec),
  }),
};
