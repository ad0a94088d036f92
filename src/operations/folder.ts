import { posix } from "node:path";
import { sh, trusted } from "../shell.ts";
import { common, type OperationKind } from "./operation.ts";

export interface FolderOperation {
  readonly kind: "folder";
  readonly path: string;
  readonly mode?: string;
}

const schema = {
  type: "object",
  description: "Create a folder.",
  properties: {
    kind: { const: "folder" },
    path: { type: "string", pattern: "^/[^\\u0000]+$", description: "Absolute path on the node." },
    mode: { type: "string", pattern: "^0?[0-7]{3,4}$", description: "Default 0755." },
  },
  required: ["kind", "path"],
  additionalProperties: false,
} as const;

const library = trusted(String.raw`
folder_read() { # path
  if [ -d "$1" ] && [ ! -L "$1" ]; then
    put type folder
    put mode "$(stat -c %a -- "$1")"
    put owner "$(stat -c %u:%g -- "$1")"
  elif [ -e "$1" ] || [ -L "$1" ]; then put type other
  else put type absent
  fi
  [ -d "$(dirname -- "$1")" ] || note parent missing
}
folder_make() { # path mode
  mkdir -m "$2" -- "$1"
  sync -- "$(dirname -- "$1")"
}
folder_drop() { # path
  [ ! -d "$1" ] || rmdir -- "$1"
  sync -- "$(dirname -- "$1")"
}
`);

export const folder: OperationKind<FolderOperation> = {
  ...common,
  kind: "folder",
  summary: schema.description,
  schema,
  library,
  title: (spec) => `create the folder ${spec.path}`,
  owns: (spec) => [`file:${posix.normalize(spec.path)}`],
  commands: () => ["stat", "sync"],
  folders: (spec) => [posix.dirname(spec.path)],
  read: (spec) => sh`folder_read ${spec.path}`,
  refusal(spec, before) {
    if (before.values.type !== "absent") return `${spec.path} is already there`;
    return undefined;
  },
  apply: (spec) => sh`folder_make ${spec.path} ${spec.mode ?? "0755"}`,
  restore: (spec) => sh`folder_drop ${spec.path}`,
  inEffect: (_spec, _before, now) => now.values.type === "folder",
  preview: (spec) => ({ line: folder.title(spec) }),
};
