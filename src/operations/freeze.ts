import { sh, trusted } from "../shell.ts";
import { common, type OperationKind } from "./operation.ts";
import { wayInDangers } from "./way-in.ts";

export interface FreezeOperation {
  readonly kind: "freeze";
  readonly unit: string;
}

const schema = {
  type: "object",
  description: "Freeze all processes of a systemd unit, until it is thawed or the node starts anew.",
  properties: {
    kind: { const: "freeze" },
    unit: {
      type: "string",
      pattern: "^[A-Za-z0-9:_.@\\\\-]+\\.(service|slice|scope)$",
      description: "Full name, such as kubelet.service.",
    },
  },
  required: ["kind", "unit"],
  additionalProperties: false,
} as const;

const library = trusted(String.raw`
freeze_state() { # unit: running, frozen, or by its slice
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    state=$(systemctl show -p FreezerState --value -- "$1")
    case $state in freezing* | thawing*) sleep 0.1 ;; *) break ;; esac
  done
  printf '%s\n' "${"$"}{state:-unknown}"
}
freeze_holds() { # unit: is this script, or whoever started it, in the unit's control group?
  group=$(systemctl show -p ControlGroup --value -- "$1")
  [ -n "$group" ] || return 1
  pid=$$
  while [ "$pid" -gt 1 ]; do
    while IFS= read -r line; do
      case ${"$"}{line#*:*:}/ in "${"$"}{group%/}/"*) return 0 ;; esac
    done <"/proc/$pid/cgroup"
    pid=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status")
  done
  return 1
}
freeze_read() { # unit
  put state "$(freeze_state "$1")"
  [ "$CONTENT" = yes ] || return 0
  note active "$(systemctl show -p ActiveState --value -- "$1")"
  # CanFreeze says yes of control groups of version 1, too, and then systemd does not.
  [ -e "/sys/fs/cgroup$(systemctl show -p ControlGroup --value -- "$1")/cgroup.freeze" ] || note freezer absent
  if freeze_holds "$1"; then note holds us; fi
}
freeze_thaw() { # unit
  case $(freeze_state "$1") in frozen) systemctl thaw -- "$1" ;; esac
}
`);

export const freeze: OperationKind<FreezeOperation> = {
  ...common,
  kind: "freeze",
  summary: schema.description,
  schema,
  library,
  title: (spec) => `freeze ${spec.unit}`,
  owns: (spec) => [`freezer:${spec.unit}`],
  commands: () => ["systemctl"],
  dangers: (spec) => wayInDangers([], [spec.unit]),
  lasting: () => false,
  read: (spec) => sh`freeze_read ${spec.unit}`,
  refusal(spec, before) {
    const { active, freezer, holds } = before.notes;
    if (holds !== undefined) return `${spec.unit} holds the login on which kbreak reaches the node`;
    if (active !== "active") return `${spec.unit} does not run`;
    if (freezer === "absent")
      return `systemd cannot freeze ${spec.unit}: that takes control groups of version 2`;
    return before.values.state === "running" ? undefined : `${spec.unit} is ${before.values.state} already`;
  },
  apply: (spec) => sh`systemctl freeze -- ${spec.unit}`,
  restore: (spec) => sh`freeze_thaw ${spec.unit}`,
  inEffect: (_spec, _before, now) => now.values.state === "frozen",
  remains: (_spec, _before, now) => now.values.state === "frozen",
  preview: (spec) => ({ line: freeze.title(spec) }),
};
