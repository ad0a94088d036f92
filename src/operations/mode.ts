import { posix } from "node:path";
import { lines, sh, trusted } from "../shell.ts";
import { flagsLibrary } from "./flags-library.ts";
import { modeLibrary } from "./mode-library.ts";
import { common, field, type OperationKind } from "./operation.ts";
import { wayInDangers } from "./way-in.ts";

export interface ModeOperation {
  readonly kind: "mode";
  readonly path: string;
  readonly mode?: string;
  readonly owner?: string;
}

const schema = {
  type: "object",
  description: "Change the mode or the owner of a file or folder.",
  properties: {
    kind: { const: "mode" },
    path: { type: "string", pattern: "^/[^\\u0000]+$", description: "Absolute path on the node." },
    mode: { type: "string", pattern: "^0?[0-7]{3,4}$", description: "Octal, such as 0644." },
    owner: {
      type: "string",
      pattern: "^[0-9]+:[0-9]+$",
      description: "Numeric user and group, such as 0:0.",
    },
  },
  required: ["kind", "path"],
  anyOf: [{ required: ["mode"] }, { required: ["owner"] }],
  additionalProperties: false,
} as const;

const library = lines(
  modeLibrary,
  flagsLibrary,
  trusted(String.raw`
mode_read() { # path
  if [ -L "$1" ]; then put type symlink
  elif [ -e "$1" ]; then
    put type present
    put mode "$(stat -c %a -- "$1")"
    flags_of "$1" || :
    note flags "$flags"
    put owner "$(stat -c %u:%g -- "$1")"
    # chown takes it away, so it is put back behind it.
    put capability "$(getfattr -d -m '^security\.capability$' -e hex --absolute-names -- "$1" 2>/dev/null | sed -n 's/^security\.capability=//p')"
  else put type absent
  fi
}
mode_change() { # path mode owner capability
  [ -e "$1" ] || return 0
  # A link is somebody's replacement of the file; what it leads to is none of ours.
  if [ -L "$1" ]; then echo "$1 is a symbolic link now" >&2; return 1; fi
  # chown clears the set-user-id bit, so the mode comes last.
  if [ -n "$3" ] && [ "$(stat -c %u:%g -- "$1")" != "$3" ]; then chown "$3" -- "$1"; fi
  if [ -n "$4" ]; then setfattr -n security.capability -v "$4" -- "$1"; fi
  set_mode "$2" "$1"
  sync -- "$1"
}
`),
);

/** For chmod, which leaves the special bits of a folder alone unless a mode has five digits. */
const digits = (mode: string) => mode.padStart(5, "0");

/** As `stat -c %a` prints it. */
const octal = (mode: string) => Number.parseInt(mode, 8).toString(8);

export const mode: OperationKind<ModeOperation> = {
  ...common,
  kind: "mode",
  summary: schema.description,
  schema,
  library,
  title: (spec) =>
    `give ${spec.path} ${[spec.mode && `mode ${spec.mode}`, spec.owner && `owner ${spec.owner}`].filter(Boolean).join(" and ")}`,
  owns: (spec) => [`mode:${posix.normalize(spec.path)}`],
  dangers: (spec) => [...wayInDangers([spec.path]), ...common.dangers(spec)],
  commands: () => ["stat", "chmod", "chown", "sync"],
  read: (spec) => sh`mode_read ${spec.path}`,
  refusal(spec, before) {
    if (before.values.type === "absent") return `${spec.path} is not there`;
    if (before.values.type === "symlink") return `${spec.path} is a symbolic link, which has no mode`;
    if (/[ia]/.test(before.notes.flags ?? "")) return `${spec.path} is immutable or append-only`;
    if (mode.inEffect(spec, before, before, { token: "", content: () => Buffer.alloc(0) }))
      return `${spec.path} has that mode and owner already`;
    return undefined;
  },
  apply: (spec, before) =>
    sh`mode_change ${spec.path} ${digits(spec.mode ?? field(before.values, "mode"))} ${spec.owner ?? ""} ${before.values.capability ?? ""}`,
  restore: (spec, before) =>
    sh`mode_change ${spec.path} ${digits(field(before.values, "mode"))} ${field(before.values, "owner")} ${before.values.capability ?? ""}`,
  inEffect: (spec, _before, now) =>
    now.values.type === "present" &&
    (spec.mode === undefined || now.values.mode === octal(spec.mode)) &&
    (spec.owner === undefined || now.values.owner === spec.owner),
  preview: (spec, before) => ({
    line: `${mode.title(spec)} (now ${before.values.mode} ${before.values.owner})`,
  }),
};
