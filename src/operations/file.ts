import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { FromSchema } from "json-schema-to-ts";
import { lines, type Shell, sh } from "../shell.ts";
import { fileLibrary } from "./file-library.ts";
import { common, field, type Held, type OperationKind, type Preview, type State } from "./operation.ts";
import { wayInDangers } from "./way-in.ts";

/** Larger files are not carried to the controller; `move` puts them aside on the node instead. */
export const LARGEST_FILE = 4 * 1024 * 1024;

const schema = {
  type: "object",
  description: "Create, edit, replace or remove a file or symbolic link.",
  properties: {
    kind: { const: "file" },
    path: { type: "string", pattern: "^/[^\\u0000]+$", description: "Absolute path on the node." },
    content: { type: "string", description: "The whole new content." },
    replace: {
      type: "array",
      minItems: 1,
      description: "Edits of the present content, in order; each `find` must be there exactly once.",
      items: {
        type: "object",
        properties: { find: { type: "string", minLength: 1 }, with: { type: "string" } },
        required: ["find", "with"],
        additionalProperties: false,
      },
    },
    append: {
      type: "string",
      minLength: 1,
      description: "What is added at its end, as whole lines; a file that is not there is made.",
    },
    symlink: {
      type: "string",
      pattern: "^[^\\u0000]+$",
      description: "Make it a symbolic link to this target.",
    },
    absent: { const: true, description: "Remove it." },
    mode: {
      type: "string",
      pattern: "^0?[0-7]{3,4}$",
      description: "Mode of a new file. Default 0644; an edited file keeps its own.",
    },
    grows: {
      type: "boolean",
      description: "What others write into the new file is no drift, and goes with it.",
    },
    actor: {
      type: "boolean",
      description: "Others run it, and it breaks again: undo takes it away first, and looks once more later.",
    },
    reload: {
      type: "string",
      description: "The unit that systemd must read again, as the file belongs to it.",
    },
    restart: { type: "string", description: "The unit that reads the file only when it starts." },
    pod: {
      type: "string",
      pattern: "^[a-z0-9-]+$",
      description: "The container of the static pod whose manifest it is: it is awaited until it runs anew.",
    },
  },
  required: ["kind", "path"],
  oneOf: [
    { required: ["content"] },
    { required: ["replace"] },
    { required: ["append"] },
    { required: ["symlink"] },
    { required: ["absent"] },
  ],
  additionalProperties: false,
} as const;

type Schema = FromSchema<typeof schema>;
export type FileOperation = Readonly<
  Pick<Schema, "kind" | "path" | "mode" | "grows" | "actor" | "reload" | "restart" | "pod">
> & {
  readonly content?: string;
  readonly replace?: readonly { readonly find: string; readonly with: string }[];
  readonly append?: string;
  readonly symlink?: string;
  readonly absent?: true;
};

const sha256 = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");

function occurrences(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) count += 1;
  return count;
}

function previous(before: State, held: Held): Buffer | undefined {
  return before.values.type === "file" && before.values.sha256 !== undefined
    ? held.content(before.values.sha256)
    : undefined;
}

function edited(spec: FileOperation, before: State, held: Held): string {
  const text = previous(before, held)?.toString("utf8") ?? "";
  if (spec.append !== undefined) return `${wholeLines(text)}${wholeLines(spec.append)}`;
  return (spec.replace ?? []).reduce((now, edit) => now.replace(edit.find, () => edit.with), text);
}

const wholeLines = (text: string) => (text === "" || text.endsWith("\n") ? text : `${text}\n`);

/** Whether it changes what is there, which must be text then. */
const edits = (spec: FileOperation) => spec.replace !== undefined || spec.append !== undefined;

/** The bytes that the file shall have; `undefined` for a link or a removal. */
function wanted(spec: FileOperation, before: State, held: Held): Buffer | undefined {
  if (spec.content !== undefined) return Buffer.from(spec.content);
  if (edits(spec)) return Buffer.from(edited(spec, before, held));
  return undefined;
}

function refusal(spec: FileOperation, before: State, held: Held): string | undefined {
  const { type } = before.values;
  if (type === "folder" || type === "other") return `${spec.path} is not a regular file`;
  if (before.notes.readonly === "yes") return `${spec.path} is on a read-only file system`;
  // In an append-only folder nothing can be removed again.
  if (before.notes.folder === "locked") return `the folder of ${spec.path} is immutable or append-only`;
  if (before.notes.parent === "missing") return `the folder of ${spec.path} does not exist`;
  if (/[ia]/.test(before.notes.flags ?? "")) return `${spec.path} is immutable or append-only`;
  if (type === "file" && Number(before.notes.size) > LARGEST_FILE)
    return `${spec.path} has ${before.notes.size} bytes, more than the ${LARGEST_FILE} that are carried`;
  if (spec.grows && type !== "absent") return `${spec.path} is already there`;
  if (spec.absent && type === "absent") return `${spec.path} is not there`;
  const lasting = staleRefusal(spec, before) ?? removalRefusal(spec, before);
  if (lasting !== undefined) return lasting;
  if (!edits(spec))
    return file.inEffect(spec, before, before, held) ? `${spec.path} would not change` : undefined;
  if (spec.append !== undefined && type === "absent") return undefined;
  if (type !== "file")
    return type === "symlink" ? `${spec.path} is a symbolic link` : `${spec.path} is not there`;
  const bytes = previous(before, held);
  if (bytes !== undefined && !isText(bytes)) return `${spec.path} is not UTF-8 text`;
  return spec.replace === undefined ? undefined : replacementRefusal(spec, bytes?.toString("utf8") ?? "");
}

/** Undo restarts the unit, so a unit that does not run with what is on the disk would not come back as it was. */
function staleRefusal(spec: FileOperation, before: State): string | undefined {
  if (before.values.fresh === "no")
    return `${spec.restart} was not restarted since ${spec.path} was changed: what it runs with now could not be put back`;
  if (before.values.reload === "yes")
    return `systemd has not read the files of ${spec.reload} since they were changed: what it knows now could not be put back`;
  return undefined;
}

/** What a file that is made again cannot have. */
function removalRefusal(spec: FileOperation, before: State): string | undefined {
  if (before.values.type === "symlink")
    return isText(Buffer.from(field(before.values, "target"), "base64"))
      ? undefined
      : `the target of the link ${spec.path} is not UTF-8 text`;
  if (before.values.type !== "file" || !(spec.absent || spec.symlink !== undefined)) return undefined;
  if (before.notes.mounted === "yes") return `${spec.path} is mounted by itself, and cannot be removed`;
  if (Number(before.notes.links) > 1)
    return `${spec.path} has ${before.notes.links} names (hard links), and would come back as a file of its own`;
  if (/[^e]/.test(before.notes.flags ?? ""))
    return `${spec.path} has attribute flags (${before.notes.flags}), and would come back without them`;
  return undefined;
}

const isText = (bytes: Buffer) => Buffer.from(bytes.toString("utf8")).equals(bytes);

function replacementRefusal(spec: FileOperation, text: string): string | undefined {
  let now = text;
  for (const edit of spec.replace ?? []) {
    const count = occurrences(now, edit.find);
    if (count !== 1) return `${JSON.stringify(edit.find)} is ${count} times in ${spec.path}, not once`;
    now = now.replace(edit.find, () => edit.with);
  }
  return now === text ? `${spec.path} would not change` : undefined;
}

function title(spec: FileOperation): string {
  if (spec.absent) return `remove ${spec.path}`;
  if (spec.symlink !== undefined) return `link ${spec.path} to ${spec.symlink}`;
  return `${edits(spec) ? "edit" : "write"} ${spec.path}`;
}

function preview(spec: FileOperation, before: State, held: Held): Preview {
  const line = title(spec);
  const now = wanted(spec, before, held);
  if (now === undefined) return { line };
  return { line, before: previous(before, held)?.toString("utf8") ?? "", after: now.toString("utf8") };
}

/** The temporary file: a dot-file, which the kubelet and cron ignore, in the folder of the file, so that rename is atomic. */
const temporary = (spec: FileOperation, held: Held) => posix.join(posix.dirname(spec.path), `.${held.token}`);

function notified(spec: FileOperation, before: State, change: Shell): Shell {
  const running = before.notes.running === "active" || before.notes.running === "activating";
  const notify = sh`file_notify ${spec.reload ?? ""} ${spec.restart ?? ""} ${running}`;
  if (spec.pod === undefined) return lines(change, notify);
  return lines(
    sh`file_pod_now ${spec.path} ${spec.pod}`,
    change,
    notify,
    sh`file_pod_anew ${spec.path} ${spec.pod}`,
  );
}

/** `rename`: by a temporary file. `any`: in place where there is no space for one: undo must not fail on a full disk. */
type Way = "rename" | "any";

function written(
  spec: FileOperation,
  before: State,
  held: Held,
  bytes: Buffer,
  way: Way,
  mtime: string,
): Shell {
  const { mode, owner, xattrs } = regular(before);
  return sh`file_write ${spec.path} ${temporary(spec, held)} ${mode} ${owner} ${xattrs} ${mtime} ${bytes.length} ${bytes.toString("base64")} ${inPlace(before) ? "place" : way}`;
}

function change(spec: FileOperation, before: State, held: Held): Shell {
  const temp = temporary(spec, held);
  if (spec.absent) return sh`file_remove ${spec.path} ${temp}`;
  if (spec.symlink !== undefined) return sh`file_link ${spec.path} ${temp} ${spec.symlink} 0 0 ''`;
  const bytes = wanted(spec, before, held) ?? Buffer.alloc(0);
  if (before.values.type === "file") return written(spec, before, held, bytes, "rename", "");
  return sh`file_write ${spec.path} ${temp} ${spec.mode ?? "0644"} 0:0 '' '' ${bytes.length} ${bytes.toString("base64")} rename`;
}

function putBack(spec: FileOperation, before: State, held: Held): Shell {
  const temp = temporary(spec, held);
  if (before.values.type === "absent") return sh`file_remove ${spec.path} ${temp}`;
  const mtime = field(before.notes, "mtime");
  if (before.values.type === "symlink") {
    const target = Buffer.from(field(before.values, "target"), "base64").toString("utf8");
    return sh`file_link ${spec.path} ${temp} ${target} ${field(before.values, "owner").split(":")} ${mtime}`;
  }
  return written(spec, before, held, held.content(field(before.values, "sha256")), "any", mtime);
}

const regular = (before: State) => ({
  mode: field(before.values, "mode"),
  owner: field(before.values, "owner"),
  xattrs: field(before.values, "xattrs"),
});

export const file: OperationKind<FileOperation> = {
  ...common,
  kind: "file",
  summary: schema.description,
  schema,
  library: fileLibrary,
  title,
  owns: (spec) => [`file:${posix.normalize(spec.path)}`],
  dangers: (spec) => [...wayInDangers([spec.path], [spec.restart]), ...common.dangers(spec)],
  commands: (spec) => [
    "sha256sum",
    "base64",
    "stat",
    "sync",
    ...(spec.reload || spec.restart ? ["systemctl"] : []),
    ...(spec.pod ? ["crictl"] : []),
  ],
  actor: (spec) => spec.actor === true,
  folders: (spec) => [posix.dirname(spec.path)],
  read: (spec) =>
    sh`file_read ${spec.path} ${posix.dirname(spec.path)}/."$TOKEN" ${spec.grows === true} ${spec.reload ?? ""} ${spec.restart ?? ""}`,
  refusal,
  apply: (spec, before, held) => notified(spec, before, change(spec, before, held)),
  restore: (spec, before, held) =>
    lines(sh`file_unlock ${spec.path}`, notified(spec, before, putBack(spec, before, held))),
  inEffect(spec, before, now, held) {
    const { type, fresh, reload, unfinished } = now.values;
    if (fresh === "no" || reload === "yes" || unfinished === "yes") return false;
    if (spec.absent) return type === "absent";
    if (spec.symlink !== undefined)
      return type === "symlink" && now.values.target === Buffer.from(spec.symlink).toString("base64");
    if (type !== "file") return false;
    if (spec.grows) return true;
    const bytes = wanted(spec, before, held);
    return bytes !== undefined && now.values.sha256 === sha256(bytes);
  },
  halfway: (_spec, before, now) =>
    inPlace(before) || now.values.fresh === "no" || now.values.reload === "yes",
  remains: (spec, _before, now) =>
    now.values.unfinished === "yes" || (spec.grows === true && now.values.type !== "absent"),
  preview,
  text,
};

/** A file's text; what stands in its place in a person's words. */
function text({ values, notes }: State): string | undefined {
  if (values.type === "absent") return "(it is not there)\n";
  if (values.type === "folder") return "(a folder)\n";
  if (values.type === "symlink")
    return `(a symbolic link to ${Buffer.from(field(values, "target"), "base64").toString("utf8")})\n`;
  const bytes = notes.content === undefined ? undefined : Buffer.from(notes.content, "base64");
  return bytes !== undefined && isText(bytes) ? bytes.toString("utf8") : undefined;
}

/** Rename would split hard links apart and drop attribute flags that a new inode does not have, and cannot replace a mount. */
function inPlace(before: State): boolean {
  return (
    Number(before.notes.links ?? "1") > 1 ||
    /[^e]/.test(before.notes.flags ?? "") ||
    before.notes.mounted === "yes"
  );
}
