import { posix } from "node:path";
import type { FromSchema } from "json-schema-to-ts";
import { sh, trusted } from "../shell.ts";
import { common, field, type OperationKind } from "./operation.ts";
import { wayInDangers } from "./way-in.ts";

/** Paths that stand in the kernel's table of mounts as they are, without escapes. */
const plainPath = "^(/(?!\\.\\.?(/|$))[A-Za-z0-9_.@+:-]+)+$";

const schema = {
  type: "object",
  description: "Mount a file or folder over another one (a bind mount), until the next reboot.",
  properties: {
    kind: { const: "mount" },
    from: { type: "string", pattern: plainPath, description: "What is seen: absolute path on the node." },
    path: { type: "string", pattern: plainPath, description: "What it is put over; no mount point yet." },
  },
  required: ["kind", "from", "path"],
  additionalProperties: false,
} as const;

export type MountOperation = Readonly<FromSchema<typeof schema>>;

/**
 * The kernel names a mount by the place of its root in the file system, which is all of the path or the end of it, or
 * has more before it (a subvolume); and it adds a word when that place was removed.
 */
const library = trusted(String.raw`
mount_roots() { # path: the roots of all that is mounted there, the uppermost last
  while read -r _ _ _ root point _; do
    if [ "$point" = "$1" ]; then echo "${"$"}{root%//deleted}"; fi
  done </proc/self/mountinfo
}
mount_of() { # from path: what is mounted there
  top=$(mount_roots "$2" | tail -n 1)
  if [ -z "$top" ]; then echo none; return; fi
  case $1 in *"$top") echo ours; return ;; esac
  case $top in *"$1") echo ours ;; *) echo other ;; esac
}
mount_read() { # from path
  put mount "$(mount_of "$1" "$2")"
  put mounts "$(mount_roots "$2" | wc -l)"
  if [ -L "$2" ]; then note path link
  elif [ -d "$2" ]; then note path folder
  elif [ -e "$2" ]; then note path file
  else note path absent
  fi
}
mount_drop() { # from path
  if [ "$(mount_of "$1" "$2")" = ours ]; then
    # Lazily where somebody has it open: it is gone from sight at once.
    umount -- "$2" 2>/dev/null || umount -l -- "$2"
  fi
  [ "$(mount_of "$1" "$2")" = none ] || { echo "something else is mounted over $2: it is left alone" >&2; return 1; }
}
`);

export const mount: OperationKind<MountOperation> = {
  ...common,
  kind: "mount",
  summary: schema.description,
  schema,
  library,
  title: ({ from, path }) => `mount ${from} over ${path}`,
  owns: ({ path }) => [`mount:${posix.normalize(path)}`],
  commands: () => ["mount", "umount"],
  dangers: (spec) => [...wayInDangers([spec.path]), ...common.dangers(spec)],
  lasting: () => false,
  read: ({ from, path }) => sh`mount_read ${from} ${path}`,
  refusal({ path }, before) {
    if (before.notes.path === "absent") return `${path} is not there`;
    if (before.notes.path === "link") return `${path} is a symbolic link`;
    if (field(before.values, "mount") !== "none") return `${path} is a mount point already`;
    return undefined;
  },
  apply: ({ from, path }) => sh`mount --bind -- ${from} ${path}`,
  restore: ({ from, path }) => sh`mount_drop ${from} ${path}`,
  inEffect: (_spec, _before, now) => now.values.mount === "ours",
  remains: (_spec, _before, now) => now.values.mount === "ours",
  preview: ({ from, path }) => ({ line: `mount --bind ${from} ${path}` }),
};
