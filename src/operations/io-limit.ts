import { sh, trusted } from "../shell.ts";
import { common, field, type OperationKind, type State } from "./operation.ts";

export interface IoLimitOperation {
  readonly kind: "io-limit";
  readonly program: string;
  readonly path: string;
  readonly writes: number;
}

const schema = {
  type: "object",
  description:
    "Limit how often a program may write to the disk that holds a path, by its control group (version 2), until it is started anew.",
  properties: {
    kind: { const: "io-limit" },
    program: {
      type: "string",
      pattern: "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$",
      description: "Name of a program that runs once, such as etcd.",
    },
    path: { type: "string", pattern: "^/[^\\u0000]*$", description: "A path on the disk." },
    // The kernel holds back whatever is over the limit: with less, a file system's journal would stand still.
    writes: { type: "integer", minimum: 1, maximum: 100_000, description: "Writes a second." },
  },
  required: ["kind", "program", "path", "writes"],
  additionalProperties: false,
} as const;

/**
 * `io.max` is there for a group once all groups above it hand the io controller down. systemd does that only where a
 * unit asks for it, so what we have handed down is taken back, from the lowest group to the root.
 */
const library = trusted(String.raw`
IO_ROOT=/sys/fs/cgroup
io_disk() { # path: major:minor of the whole disk that holds it
  device=$(findmnt -n -o MAJ:MIN -T "$1" | tail -n 1 | tr -d ' ')
  place=$(readlink -f "/sys/dev/block/$device") || return 1
  [ -e "$place" ] || return 1
  if [ -e "$place/partition" ]; then place=${"$"}{place%/*}; fi
  cat "$place/dev"
}
io_above() { # group: the groups above it that do not hand the controller down, from the root to the lowest
  above=$IO_ROOT
  io_one "$above"
  rest=${"$"}{1#/}
  while :; do
    case $rest in */*) ;; *) return 0 ;; esac
    above=$above/${"$"}{rest%%/*} rest=${"$"}{rest#*/}
    io_one "$above"
  done
}
io_one() { # group's folder
  if ! grep -qw io "$1/cgroup.subtree_control"; then echo "$1"; fi
}
io_read() { # program path
  pids=$(pgrep -x -- "$1") || { put program absent; return 0; }
  case $pids in *[!0-9]*) put program several; return 0 ;; esac
  put program running
  group=$(sed -n 's/^0:://p' "/proc/$pids/cgroup")
  note group "$group"
  grep -qsw io "$IO_ROOT/cgroup.controllers" || { put limit none; note controller absent; return 0; }
  disk=$(io_disk "$2") || { put limit none; note disk none; return 0; }
  note disk "$disk"
  note above "$(io_above "$group" | tr '\n' ' ')"
  limit=$(sed -n "s/^$disk //p" "$IO_ROOT$group/io.max" 2>/dev/null) || limit=
  put limit "${"$"}{limit:-none}"
}
io_apply() { # group above disk writes
  for folder in $2; do echo +io >"$folder/cgroup.subtree_control"; done
  echo "$3 wiops=$4" >"$IO_ROOT$1/io.max"
}
io_back() { # group above disk
  if [ -e "$IO_ROOT$1/io.max" ]; then echo "$3 wiops=max" >"$IO_ROOT$1/io.max"; fi
  down=
  for folder in $2; do down="$folder $down"; done
  for folder in $down; do
    # With the controller goes whatever somebody else has limited by it meanwhile.
    if [ -z "$(cat "$folder"/*/io.max 2>/dev/null)" ]; then
      echo -io >"$folder/cgroup.subtree_control" 2>/dev/null || :
    fi
  done
}
`);

/** The groups that do not hand the controller down. */
const above = ({ notes }: State) => (notes.above ?? "").split(" ").filter((folder) => folder !== "");

export const ioLimit: OperationKind<IoLimitOperation> = {
  ...common,
  kind: "io-limit",
  summary: schema.description,
  schema,
  library,
  title: (spec) => `limit ${spec.program} to ${spec.writes} writes a second on the disk of ${spec.path}`,
  owns: (spec) => [`io-limit:${spec.program}`],
  commands: () => ["findmnt", "pgrep"],
  lasting: () => false,
  read: (spec) => sh`io_read ${spec.program} ${spec.path}`,
  refusal(spec, before) {
    const { program, limit } = before.values;
    if (program !== "running")
      return `${program === "absent" ? "no process" : "more than one process"} is called ${spec.program}`;
    if (before.notes.controller === "absent")
      return "the kernel has no io controller for control groups of version 2 here";
    if (before.notes.group === "/") return `${spec.program} is in no control group of its own`;
    if (before.notes.disk === "none")
      return `${spec.path} is on no disk whose writes can be limited: its file system hides it`;
    return limit === "none" ? undefined : `${spec.program} has a limit already: ${limit}`;
  },
  apply: (spec, { notes }) =>
    sh`io_apply ${field(notes, "group")} ${field(notes, "above")} ${field(notes, "disk")} ${spec.writes}`,
  restore: (_spec, { notes }) =>
    sh`io_back ${field(notes, "group")} ${field(notes, "above")} ${field(notes, "disk")}`,
  inEffect: (spec, _before, now) => new RegExp(`\\bwiops=${spec.writes}\\b`).test(now.values.limit ?? ""),
  // A program that was started anew is in another group, without the limit.
  restored: (_spec, before, now) =>
    now.values.limit === before.values.limit ||
    (now.values.program !== "running" && now.values.limit === undefined),
  isBack: (_spec, before) =>
    sh`{ [ "$(told program)" != running ] || [ "$(told limit)" = ${before.values.limit ?? ""} ]; } &&
  [ -z "$(for folder in ${above(before)}; do case " $(noted above) " in *" $folder "*) ;; *) echo "$folder" ;; esac; done)" ]`,
  // Somebody who takes the limit away does not think of the controller that was handed down for it.
  remains: (_spec, before, now) => above(before).some((folder) => !above(now).includes(folder)),
  preview: (spec) => ({ line: ioLimit.title(spec) }),
};
