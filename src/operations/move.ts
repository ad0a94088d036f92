import { posix } from "node:path";
import { sh, trusted } from "../shell.ts";
import { common, type OperationKind } from "./operation.ts";
import { wayInDangers } from "./way-in.ts";

export interface MoveOperation {
  readonly kind: "move";
  readonly path: string;
  readonly to: string;
}

const schema = {
  type: "object",
  description:
    "Rename a file or folder aside. Nothing of it is carried to the controller, so it may be large.",
  properties: {
    kind: { const: "move" },
    path: { type: "string", pattern: "^/[^\\u0000]+$", description: "Absolute path on the node." },
    to: {
      type: "string",
      pattern: "^/[^\\u0000]+$",
      description: "Where it goes: absolute, on the same file system.",
    },
  },
  required: ["kind", "path", "to"],
  additionalProperties: false,
} as const;

const library = trusted(String.raw`
move_kind() { # path
  if [ -L "$1" ]; then echo symlink
  elif [ -f "$1" ]; then echo file
  elif [ -d "$1" ]; then echo folder
  elif [ -e "$1" ]; then echo other
  else echo absent
  fi
}
move_look() { # path: what is there, enough to know it again. A folder is known by its inode, which rename keeps
  case $(move_kind "$1") in
  file) echo "file:$(sha256sum < "$1" | cut -d' ' -f1)" ;;
  folder) echo "folder:$(stat -c %d-%i -- "$1")" ;;
  symlink) echo "symlink:$(readlink -n -- "$1" | b64)" ;;
  *) move_kind "$1" ;;
  esac
}
move_read() { # path to
  put here "$(move_look "$1")"
  put there "$(move_look "$2")"
  a=$(dirname -- "$1"); b=$(dirname -- "$2")
  [ -d "$b" ] || { note folder missing; return 0; }
  [ "$(stat -L -c %d -- "$a")" = "$(stat -L -c %d -- "$b")" ] || note folder elsewhere
  if mountpoint -q -- "$1" 2>/dev/null; then note mounted yes; fi
  # There a folder of the image below is not renamed but copied, unless mv can be told not to.
  if [ "$(move_kind "$1")" = folder ] && [ "$(stat -f -c %T -- "$1")" = overlayfs ] && [ -z "$(move_rename_only)" ]; then
    note overlay yes
  fi
}
move_rename_only() { # coreutils 9.5 and later
  if mv --no-copy --version >/dev/null 2>&1; then echo --no-copy; fi
}
move_there() { # from to
  [ "$(move_kind "$1")" != absent ] || return 0
  [ "$(move_kind "$2")" = absent ] || { echo "$2 is there already" >&2; return 1; }
  mv -nT $(move_rename_only) -- "$1" "$2"
  sync -- "$(dirname -- "$1")" "$(dirname -- "$2")"
}
`);

export const move: OperationKind<MoveOperation> = {
  ...common,
  kind: "move",
  summary: schema.description,
  schema,
  library,
  title: (spec) => `rename ${spec.path} to ${spec.to}`,
  owns: (spec) => [`file:${posix.normalize(spec.path)}`, `file:${posix.normalize(spec.to)}`],
  dangers: (spec) => [...wayInDangers([spec.path, spec.to]), ...common.dangers(spec)],
  commands: () => ["sha256sum", "stat", "mv", "sync"],
  folders: (spec) => [...new Set([posix.dirname(spec.path), posix.dirname(spec.to)])],
  read: (spec) => sh`move_read ${spec.path} ${spec.to}`,
  refusal(spec, before) {
    if (before.values.here === "absent") return `${spec.path} is not there`;
    if (before.values.there !== "absent") return `${spec.to} is already there`;
    if (before.notes.folder === "missing") return `the folder of ${spec.to} does not exist`;
    if (before.notes.mounted === "yes") return `${spec.path} is mounted by itself, and cannot be renamed`;
    if (before.notes.overlay === "yes")
      return `${spec.path} is a folder on an overlay file system, where renaming may copy it`;
    if (before.notes.folder === "elsewhere") return `${spec.to} is on another file system`;
    return undefined;
  },
  apply: (spec) => sh`move_there ${spec.path} ${spec.to}`,
  restore: (spec) => sh`move_there ${spec.to} ${spec.path}`,
  inEffect: (_spec, before, now) => now.values.here === "absent" && now.values.there === before.values.here,
  preview: (spec) => ({ line: move.title(spec) }),
};
