import { posix } from "node:path";
import type { FromSchema } from "json-schema-to-ts";
import { type Shell, sh, trusted } from "../shell.ts";
import { common, field, type OperationKind } from "./operation.ts";

const schema = {
  type: "object",
  description: "Fill a disk with one file, down to a part that stays free.",
  properties: {
    kind: { const: "ballast" },
    path: { type: "string", pattern: "^/[^\\u0000]+$", description: "The file; there must be nothing yet." },
    free: {
      type: "integer",
      minimum: 2,
      maximum: 50,
      description: "Per cent of the disk that stay free; 64 MiB stay free in any case.",
    },
  },
  required: ["kind", "path", "free"],
  additionalProperties: false,
} as const;

export type BallastOperation = Readonly<FromSchema<typeof schema>>;

const library = trusted(String.raw`
ballast_read() { # path temporary
  if [ -L "$1" ]; then put type other
  elif [ -f "$1" ]; then
    # Our file begins with a word of ours: by it undo tells it from another of that name.
    if [ "$(head -c 18 -- "$1" | tr -d '\0')" = "$TOKEN" ]; then put type ours; else put type other; fi
  elif [ -e "$1" ]; then put type other
  else put type absent
  fi
  if [ -e "$2" ]; then put unfinished yes; fi
  folder=$(dirname -- "$1")
  [ -d "$folder" ] || return 0
  [ -w "$folder" ] || note readonly yes
  note system "$(stat -f -c %T -- "$folder")"
  note disk "$(ballast_disk "$folder")"
  case $(systemd-detect-virt -c 2>/dev/null || :) in ''|none|container-other) ;; *) note shared yes ;; esac
}
ballast_disk() { # folder: KiB in all, and KiB that are free
  df -Pk -- "$1" | sed -n '2s/ \{1,\}/ /gp' | cut -d' ' -f2,4
}
ballast_spare() { # folder percent: KiB above what has to stay free
  set -- "$2" $(ballast_disk "$1")
  floor=$(($2 / 100 * $1))
  [ "$floor" -ge 65536 ] || floor=65536
  echo $(($3 - floor))
}
ballast_make() { # path temporary percent
  folder=$(dirname -- "$1")
  spare=$(ballast_spare "$folder" "$3")
  [ "$spare" -gt 0 ] || { echo "there is not more free than has to stay free" >&2; return 1; }
  printf %s "$TOKEN" > "$2"
  mv -T -- "$2" "$1"
  fallocate -l "$((spare * 1024))" -- "$1"
  # What the file system wrote for itself meanwhile, and others, comes out of ours.
  over=$((0 - $(ballast_spare "$folder" "$3")))
  if [ "$over" -gt 0 ] && [ "$over" -lt "$spare" ]; then truncate -s "-${"$"}{over}K" -- "$1"; fi
  sync -- "$1"
}
ballast_drop() { # path temporary
  [ -d "$(dirname -- "$1")" ] || return 0
  rm -f -- "$2"
  if [ -f "$1" ] && [ ! -L "$1" ] && [ "$(head -c 18 -- "$1" | tr -d '\0')" = "$TOKEN" ]; then rm -f -- "$1"
  elif [ -L "$1" ] || [ -e "$1" ]; then
    echo "$1 is not the file that was made there: it is left alone" >&2
    return 1
  fi
  sync -- "$(dirname -- "$1")"
}
`);

/** As `stat -f` calls them: those that give a file space without writing it. */
const able: readonly string[] = ["ext2/ext3", "xfs", "btrfs", "overlayfs", "tmpfs"];

/** The file while it is being made: a dot-file beside it, so that it is never there without its mark. */
const temporary = ({ path }: BallastOperation): Shell => sh`${posix.dirname(path)}/."$TOKEN"`;

export const ballast: OperationKind<BallastOperation> = {
  ...common,
  kind: "ballast",
  summary: schema.description,
  schema,
  library,
  title: ({ path, free }) => `fill the disk of ${path} until ${free} % are free`,
  owns: ({ path }) => [`file:${posix.normalize(path)}`],
  commands: () => ["fallocate", "truncate", "stat", "sync"],
  // Whatever else is restored may need the space.
  actor: () => true,
  folders: ({ path }) => [posix.dirname(path)],
  read: (spec) => sh`ballast_read ${spec.path} ${temporary(spec)}`,
  refusal({ path, free }, { values, notes }) {
    if (values.type !== "absent") return `${path} is already there`;
    if (notes.system === undefined) return `the folder of ${path} does not exist`;
    if (notes.readonly === "yes") return `${path} is on a read-only file system`;
    if (!able.includes(notes.system))
      return `${path} is on a file system that gives no space in advance: ${notes.system}`;
    if (notes.shared === "yes")
      return "the disk of a container is that of the machine it runs on, which would be full";
    const [size = 0, available = 0] = field(notes, "disk").split(" ").map(Number);
    if (available <= Math.max((size / 100) * free, 64 * 1024))
      return `the disk of ${path} has no more free than has to stay free`;
    return undefined;
  },
  apply: (spec) => sh`ballast_make ${spec.path} ${temporary(spec)} ${spec.free}`,
  restore: (spec) => sh`ballast_drop ${spec.path} ${temporary(spec)}`,
  inEffect: (_spec, _before, { values }) => values.type === "ours",
  remains: (_spec, _before, { values }) => values.type === "ours" || values.unfinished === "yes",
  preview: (spec) => ({ line: ballast.title(spec) }),
};
