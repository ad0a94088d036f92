import { lines, sh, trusted } from "../shell.ts";
import { markedProcesses } from "./marked.ts";
import { common, type OperationKind } from "./operation.ts";

export interface ProcessOperation {
  readonly kind: "process";
  readonly command: readonly string[];
}

const schema = {
  type: "object",
  description: "Start a process in the background; it does not survive a reboot.",
  properties: {
    kind: { const: "process" },
    command: {
      type: "array",
      minItems: 1,
      items: { type: "string", pattern: "^[^\\u0000]*$" },
      description: "Program and arguments, without a shell.",
    },
  },
  required: ["kind", "command"],
  additionalProperties: false,
} as const;

const library = lines(
  markedProcesses,
  trusted(String.raw`
process_read() { # token command...
  token=$1; shift
  if [ -n "$(process_pids "$token")" ]; then put running yes; else put running no; fi
  for pid in $(process_pids "$token"); do note "pid-$pid" "$(cut -d' ' -f22 "/proc/$pid/stat" || :)"; done
  command -v -- "$1" >/dev/null || note program missing
}
process_start() { # token command...
  token=$1; shift
  # The script ignores HUP and PIPE; a process would inherit that.
  ( trap - HUP PIPE; INVOCATION_ID=$token exec setsid -- "$@" ) </dev/null >/dev/null 2>&1 4>&- 9>&- &
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    if [ -n "$(process_pids "$token")" ]; then return; fi
    sleep 0.05
  done
}
`),
);

export const process: OperationKind<ProcessOperation> = {
  ...common,
  kind: "process",
  summary: schema.description,
  schema,
  library,
  title: (spec) => `start ${spec.command.join(" ")}`,
  owns: (spec) => [`process:${spec.command.join(" ")}`],
  commands: (spec) => ["setsid", ...(spec.command[0] === undefined ? [] : [spec.command[0]])],
  lasting: () => false,
  actor: () => true,
  read: (spec) => sh`process_read "$TOKEN" ${spec.command}`,
  refusal(spec, before) {
    const [program = ""] = spec.command;
    // A file may be made by an earlier operation of the same step.
    if (before.notes.program === "missing" && !program.includes("/")) return `there is no program ${program}`;
    return undefined;
  },
  apply: (spec) => sh`process_start "$TOKEN" ${spec.command}`,
  restore: () => sh`process_end "$TOKEN"`,
  inEffect: (_spec, _before, now) => now.values.running === "yes",
  remains: (_spec, _before, now) => now.values.running === "yes",
  preview: (spec) => ({ line: process.title(spec) }),
};
