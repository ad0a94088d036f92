import { posix } from "node:path";
import { type Shell, sh, trusted } from "../shell.ts";
import { common, field, type OperationKind } from "./operation.ts";

export interface SwapOperation {
  readonly kind: "swap";
  readonly path: string;
  readonly mebibytes: number;
}

const schema = {
  type: "object",
  description: "Make a swap file and use it.",
  properties: {
    kind: { const: "swap" },
    path: {
      type: "string",
      pattern: "^(/(?!\\.\\.?(/|$))[A-Za-z0-9_.@+:-]+)+$",
      description: "Absolute path on the node; there must be nothing yet.",
    },
    mebibytes: { type: "integer", minimum: 1, maximum: 4096, description: "Size in MiB." },
  },
  required: ["kind", "path", "mebibytes"],
  additionalProperties: false,
} as const;

const library = trusted(String.raw`
swap_active() { # path: the kernel lists it by the path that links lead to
  cut -d' ' -f1 /proc/swaps | grep -qxF -e "$(readlink -f -- "$1")"
}
swap_figure() { # name in /proc/meminfo: KiB
  sed -n "s/^$1: *\([0-9]*\) kB$/\1/p" /proc/meminfo
}
swap_own_uuid() { # that of our file, as 32 digits: by it a later look tells it from another file of that name
  echo "$TOKEN$TOKEN" | cut -c1-32
}
swap_uuid() { # path: of the file's swap signature, as 32 digits
  dd if="$1" bs=1 skip=1036 count=16 status=none | od -An -tx1 | tr -d ' \n'
}
swap_read() { # path temporary
  if [ -L "$1" ]; then put type other
  elif [ -f "$1" ]; then
    if [ "$(swap_uuid "$1")" = "$(swap_own_uuid)" ]; then put type ours; else put type other; fi
  elif [ -e "$1" ]; then put type other
  else put type absent
  fi
  if swap_active "$1"; then put active yes; else put active no; fi
  if [ -e "$2" ]; then put unfinished yes; fi
  folder=$(dirname -- "$1")
  [ -d "$folder" ] || return 0
  [ -w "$folder" ] || note readonly yes # root may write anywhere but on a read-only file system
  note system "$(stat -f -c %T -- "$folder")"
  note disk "$(df -Pm -- "$folder" | sed -n '2s/ \{1,\}/ /gp' | cut -d' ' -f2,4)"
  note memory "$(swap_figure MemAvailable)"
}
swap_make() { # path temporary mebibytes
  # Written in full: the kernel does not swap to a file with holes, and not every file system's fallocate fills them.
  dd if=/dev/zero of="$2" bs=1048576 count="$3" status=none
  chmod 600 -- "$2"
  mkswap -U "$(swap_own_uuid | sed 's/^\(.\{8\}\)\(.\{4\}\)\(.\{4\}\)\(.\{4\}\)/\1-\2-\3-\4-/')" -- "$2" >/dev/null
  sync -- "$2"
  mv -T -- "$2" "$1"
  sync -- "$(dirname -- "$1")"
  swapon -- "$1"
}
swap_drop() { # path temporary
  [ -d "$(dirname -- "$1")" ] || return 0
  rm -f -- "$2"
  if [ -f "$1" ] && [ ! -L "$1" ] && [ "$(swap_uuid "$1")" = "$(swap_own_uuid)" ]; then
    if swap_active "$1"; then swapoff -- "$1"; fi
    rm -f -- "$1"
  elif [ -L "$1" ] || [ -e "$1" ]; then
    echo "$1 is not the file that was made there: it is left alone" >&2
    return 1
  fi
  sync -- "$(dirname -- "$1")"
}
`);

/** As `stat -f` calls them. Others have no swap files (overlay, tmpfs, NFS), or only under conditions (btrfs, F2FS). */
const able: readonly string[] = ["ext2/ext3", "xfs"];

/** MiB that must stay available: all that went to the swap file has to come back into memory with undo. */
const SPARE_MEMORY = 32;

/** Of the disk's size: the kubelet removes images at 15 %, and pods at 10 %. */
const SPARE_DISK = 0.2;

/** The file while it is being made: a dot-file beside it, so that rename is atomic. */
const temporary = ({ path }: SwapOperation): Shell => sh`${posix.dirname(path)}/."$TOKEN"`;

export const swap: OperationKind<SwapOperation> = {
  ...common,
  kind: "swap",
  summary: schema.description,
  schema,
  library,
  title: ({ path, mebibytes }) => `swap to ${path} (${mebibytes} MiB)`,
  owns: ({ path }) => [`file:${posix.normalize(path)}`, `swap:${posix.normalize(path)}`],
  commands: () => ["dd", "od", "grep", "mkswap", "stat", "swapoff", "swapon", "sync"],
  reach: () => "kernel",
  folders: ({ path }) => [posix.dirname(path)],
  read: (spec) => sh`swap_read ${spec.path} ${temporary(spec)}`,
  refusal({ path, mebibytes }, { values, notes }) {
    if (values.type !== "absent" || values.active !== "no") return `${path} is already there`;
    if (notes.system === undefined) return `the folder of ${path} does not exist`;
    if (notes.readonly === "yes") return `${path} is on a read-only file system`;
    if (!able.includes(notes.system))
      return `${path} is on a file system that swap files are not for: ${notes.system}`;
    const [size = 0, free = 0] = field(notes, "disk").split(" ").map(Number);
    if (free - mebibytes < size * SPARE_DISK)
      return `the disk of ${path} has ${free} of ${size} MiB free, and a fifth has to stay free`;
    const available = Math.floor(Number(field(notes, "memory")) / 1024);
    if (available - mebibytes < SPARE_MEMORY)
      return `${available} MiB of memory are available, too few to take ${mebibytes} MiB back from the swap file`;
    return undefined;
  },
  apply: (spec) => sh`swap_make ${spec.path} ${temporary(spec)} ${spec.mebibytes}`,
  restore: (spec) => sh`swap_drop ${spec.path} ${temporary(spec)}`,
  inEffect: (_spec, _before, { values }) => values.type === "ours" && values.active === "yes",
  remains: (_spec, _before, { values }) => values.type === "ours" || values.unfinished === "yes",
  preview: (spec) => ({ line: swap.title(spec) }),
};
