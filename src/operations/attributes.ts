import { posix } from "node:path";
import { lines, sh, trusted } from "../shell.ts";
import { flagsLibrary } from "./flags-library.ts";
import { common, type OperationKind, type State } from "./operation.ts";
import { wayInDangers } from "./way-in.ts";

export interface AttributesOperation {
  readonly kind: "attributes";
  readonly path: string;
  readonly add: string;
}

const schema = {
  type: "object",
  description: "Set attribute flags of a file or folder, as `chattr` does.",
  properties: {
    kind: { const: "attributes" },
    path: { type: "string", pattern: "^/[^\\u0000]+$", description: "Absolute path on the node." },
    add: { type: "string", pattern: "^[ia]+$", description: "Flags to add: i (immutable), a (append only)." },
  },
  required: ["kind", "path", "add"],
  additionalProperties: false,
} as const;

const library = lines(
  flagsLibrary,
  trusted(String.raw`
attributes_read() { # path
  if [ -L "$1" ]; then put type symlink
  elif [ -e "$1" ]; then
    put type present
    # Without it there would seem to be no flags, and undo would take that for fixed.
    command -v lsattr >/dev/null || { echo "there is no lsattr" >&2; return 1; }
    flags_of "$1" || note flags none
    put flags "f$flags"
  else put type absent
  fi
}
attributes_change() { # path added removed
  [ -e "$1" ] || return 0
  # A link is somebody's replacement of the file; what it leads to is none of ours.
  if [ -L "$1" ]; then echo "$1 is a symbolic link now" >&2; return 1; fi
  if [ -n "$2" ]; then chattr "+$2" -- "$1"; fi
  if [ -n "$3" ]; then chattr "-$3" -- "$1"; fi
  sync -- "$1"
}
attributes_are() { # those of them that are set: of which
  [ "$(told type)" = present ] && [ "$(told flags | tail -c +2 | tr -dc "$2" | fold -w 1 | sort)" = "$(printf %s "$1" | fold -w 1 | sort)" ]
}
`),
);

const has = (state: State, flag: string) => (state.values.flags ?? "").slice(1).includes(flag);

export const attributes: OperationKind<AttributesOperation> = {
  ...common,
  kind: "attributes",
  summary: schema.description,
  schema,
  library,
  title: (spec) => `set ${spec.add} on ${spec.path}`,
  owns: (spec) => [`flags:${posix.normalize(spec.path)}`],
  dangers: (spec) => [...wayInDangers([spec.path]), ...common.dangers(spec)],
  commands: () => ["chattr", "lsattr", "sync"],
  read: (spec) => sh`attributes_read ${spec.path}`,
  refusal(spec, before) {
    if (before.values.type === "absent") return `${spec.path} is not there`;
    if (before.values.type === "symlink")
      return `${spec.path} is a symbolic link, which has no attribute flags`;
    if (before.notes.flags === "none") return `the file system of ${spec.path} has no attribute flags`;
    if ([...spec.add].every((flag) => has(before, flag)))
      return `${spec.path} has the flags ${spec.add} already`;
    return undefined;
  },
  apply: (spec) => sh`attributes_change ${spec.path} ${spec.add} ''`,
  restore(spec, before) {
    const flags = [...spec.add];
    const kept = flags.filter((flag) => has(before, flag)).join("");
    const gone = flags.filter((flag) => !has(before, flag)).join("");
    return sh`attributes_change ${spec.path} ${kept} ${gone}`;
  },
  inEffect: (spec, _before, now) => [...spec.add].every((flag) => has(now, flag)),
  restored: (spec, before, now) =>
    now.values.type === "present" && [...spec.add].every((flag) => has(now, flag) === has(before, flag)),
  isBack: (spec, before) =>
    sh`attributes_are ${[...spec.add].filter((flag) => has(before, flag)).join("")} ${spec.add}`,
  preview: (spec) => ({ line: `chattr +${spec.add} ${spec.path}` }),
};
