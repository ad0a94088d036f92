import { UndoLogError } from "../errors.ts";
import { kindOf } from "../operations/index.ts";
import { type Held, type Operation, type State, valuesText } from "../operations/operation.ts";
import { type Symptom, symptomOf } from "../probes/probe.ts";
import { lines, quote, type Shell, sh, trusted } from "../shell.ts";
import type { FolderTimes, PlannedOperation } from "./records.ts";
import { complaint, type Frame, parseLines, shellFunction } from "./script.ts";

/** An operation and the index of its frames, unique within one script. */
export interface Indexed {
  readonly index: number;
  readonly spec: Operation;
  readonly token: string;
}

/** What a script told of one operation. */
export interface Look {
  /** `undefined`: it could not be read. */
  readonly state: State | undefined;
  /** Why it could not be read. */
  readonly complaint: string;
}

const steps = trusted(String.raw`
STOPPED=no
look() { frame "$1" read "read_$1"; }
swap() { # index values: change it, unless it is no longer what was read
  [ "$STOPPED" = no ] || return 0
  now=$( ( set -eu; "read_$1" ) 4>/dev/null 2>/dev/null )
  if [ "$now" != "$2" ]; then
    begin "$1" changed; printf '%s\n' "$now"; end "$1" changed 1
    STOPPED=yes
    return 0
  fi
  begin "$1" apply
  ( set -eu; "apply_$1" ) 2>&1 4>/dev/null
  code=$?
  end "$1" apply "$code"
  [ "$code" = 0 ] || STOPPED=yes
  look "$1"
}
put_back() { # index
  begin "$1" restore
  ( set -eu; "restore_$1" ) 2>&1 4>/dev/null
  end "$1" restore "$?"
}
folder_times() { # name, then for each folder: base64 of its path, its path
  begin 0 "$1"; shift
  while [ "$#" -gt 0 ]; do
    if [ -d "$2" ]; then stat -L -c "=$1 %y" -- "$2"; fi
    shift 2
  done
  end 0 folders 0
}
folder_back() { # folder time
  if [ -d "$1" ]; then touch -d "$2" -- "$1"; sync -- "$1"; fi
}
`);

/** Times of folders: to be shown, before a change, and behind it. */
type FoldersFrame = "folders" | "folders-found" | "folders-left";

const kindsOf = (operations: readonly Indexed[]) => [...new Set(operations.map(({ spec }) => kindOf(spec)))];

/** Tells the times of folders; {@link foldersOf} reads them. */
const folderTimes = (name: FoldersFrame, folders: readonly string[]) =>
  sh`folder_times ${name} ${folders.flatMap((folder) => [Buffer.from(folder).toString("base64"), folder])}`;

/** The libraries of the kinds that are used, and the `read` of each operation. */
function readers(operations: readonly Indexed[], content: boolean): Shell {
  return lines(
    steps,
    sh`CONTENT=${content}`,
    ...kindsOf(operations).map((kind) => kind.library),
    ...operations.map(({ index, spec, token }) =>
      shellFunction(`read_${index}`, lines(sh`TOKEN=${token}`, kindOf(spec).read(spec))),
    ),
  );
}

/** What the kinds that are used want at the end of a script. */
export const tidied = (operations: readonly Indexed[]): Shell =>
  lines(...kindsOf(operations).flatMap(({ tidy }) => (tidy === undefined ? [] : [tidy])));

/** A probe to ask, and the index of its frame. */
export interface IndexedProbe {
  readonly index: number;
  readonly script: Shell;
}

const asked = (probe: IndexedProbe) =>
  lines(shellFunction(`symptom_${probe.index}`, probe.script), {
    shell: `( symptom_${probe.index} ) >/dev/null 2>&1; code=$?; begin ${probe.index} symptom; end ${probe.index} symptom "$code"`,
  });

/** Reads operations, folders' times and symptoms. With `content`, the bytes of files come along. */
export function lookScript(options: {
  readonly operations: readonly Indexed[];
  readonly folders: readonly string[];
  readonly probes: readonly IndexedProbe[];
  readonly content: boolean;
}): Shell {
  return lines(
    readers(options.operations, options.content),
    ...options.operations.map(({ index }) => ({ shell: `look ${index}` })),
    folderTimes("folders", options.folders),
    ...options.probes.map(asked),
    tidied(options.operations),
  );
}

/** Asks symptoms only. */
export function symptomScript(probes: readonly IndexedProbe[]): Shell {
  return lines(...probes.map(asked));
}

/** An operation with what it was before. */
export type Changing = Indexed & { readonly before: State };

/** The shell functions that change operations (`apply_0` …) or put them back (`restore_0` …). */
function changers(
  verb: "apply" | "restore",
  operations: readonly Changing[],
  held: (token: string) => Held,
): readonly Shell[] {
  return operations.map(({ index, spec, token, before }) =>
    shellFunction(
      `${verb}_${index}`,
      lines(
        sh`TOKEN=${token}`,
        verb === "apply" ? kindOf(spec).apply(spec, before, held(token)) : wayBack(spec, before, held(token)),
      ),
    ),
  );
}

/** An operation whose pre-image is lost cannot be restored, which is no reason to leave the others. */
function wayBack(spec: Operation, before: State, held: Held): Shell {
  try {
    return kindOf(spec).restore(spec, before, held);
  } catch (error) {
    if (!(error instanceof UndoLogError)) throw error;
    return sh`printf '%s\n' ${error.message} >&2
return 1`;
  }
}

/** Changes one operation after the other, each only if it still is what was read; ends at the first that fails. */
export function applyScript(
  operations: readonly Changing[],
  folders: readonly string[],
  held: (token: string) => Held,
): Shell {
  return lines(
    readers(operations, false),
    ...changers("apply", operations, held),
    folderTimes("folders-found", folders),
    ...operations.map(({ index, before }) => ({ shell: `swap ${index} ${quote(printed(before))}` })),
    folderTimes("folders-left", folders),
    tidied(operations),
  );
}

/** The shell functions that read operations (`read_0` …) and put them back (`restore_0` …), and what these call. */
export function restorers(operations: readonly Changing[], held: (token: string) => Held): Shell {
  return lines(readers(operations, false), ...changers("restore", operations, held));
}

/** Puts operations back, whatever is there now, then the folders' times; goes on after a failure. */
export function restoreScript(
  operations: readonly Changing[],
  folders: FolderTimes,
  held: (token: string) => Held,
): Shell {
  return lines(
    restorers(operations, held),
    ...operations.map(({ index }) => ({ shell: `put_back ${index}` })),
    ...Object.entries(folders).map(([folder, time]) => sh`folder_back ${folder} ${time}`),
    tidied(operations),
  );
}

/** The values as `put` printed them. */
export const printed = (state: State) =>
  valuesText(state)
    .split("\n")
    .map((line) => `=${line}`)
    .join("\n");

const find = (frames: readonly Frame[], name: string, index: number) =>
  frames.findLast((frame) => frame.name === name && frame.index === index);

/** What was read of an operation; the last look counts. */
export function lookOf(frames: readonly Frame[], index: number): Look {
  const frame = find(frames, "read", index);
  if (frame === undefined) return { state: undefined, complaint: "it was not reached" };
  if (frame.code !== 0) return { state: undefined, complaint: complaint(frame) };
  return {
    state: { values: parseLines(frame.lines, "="), notes: parseLines(frame.lines, "#") },
    complaint: "",
  };
}

/** What became of an operation's change or restoration. */
export type Change =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "changed"; readonly message: string }
  | { readonly kind: "not reached" };

export function changeOf(frames: readonly Frame[], name: "apply" | "restore", index: number): Change {
  const changed = find(frames, "changed", index);
  if (changed !== undefined) return { kind: "changed", message: complaint(changed) };
  const frame = find(frames, name, index);
  if (frame === undefined) return { kind: "not reached" };
  return frame.code === 0 ? { kind: "done" } : { kind: "failed", message: complaint(frame) };
}

/** The times that `folder_times` printed. */
export function foldersOf(frames: readonly Frame[], name: FoldersFrame): FolderTimes {
  const frame = frames.find((one) => one.name === name);
  const found = parseLines(frame?.lines ?? [], "=");
  return Object.fromEntries(
    Object.entries(found).map(([folder, time]) => [Buffer.from(folder, "base64").toString("utf8"), time]),
  );
}

/** What a probe answered. */
export function symptomFrom(frames: readonly Frame[], index: number): Symptom {
  return symptomOf(find(frames, "symptom", index)?.code);
}

/** An operation of the log with its index. */
export function indexed(
  operations: readonly PlannedOperation[],
  from: number,
): readonly (Indexed & PlannedOperation)[] {
  return operations.map((operation, offset) => ({ ...operation, index: from + offset }));
}
