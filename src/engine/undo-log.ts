import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  readFileSync,
  readSync,
  renameSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { messageOf, UndoLogError } from "../errors.ts";
import { isUnwritable, makePrivateFolder, openPrivate, syncPath, writeWhole } from "../private-files.ts";
import type { RunRecord } from "./records.ts";

/**
 * The undo log of one run: a folder with `log.jsonl`, one JSON object a line, and `blobs/`, the pre-images by their
 * SHA-256. Only ever appended to. What an append returns from is on the disk.
 *
 * Each line carries a checksum over its text and the checksum of the line before it, so that a line that is missing is
 * found as surely as one that was changed.
 */
export const VERSION = 1;

/** A record as it stands in the log. */
export type Logged = RunRecord & { readonly n: number; readonly at: string };

export interface UndoLog {
  readonly folder: string;
  readonly records: readonly Logged[];
  /** What is wrong with the line behind the last record, in a log that was opened in spite of it. */
  readonly damage: UndoLogError | undefined;
  /** Writes and syncs a record, with the time of now unless told otherwise. @throws UndoLogError when it is not on the disk. */
  append(record: RunRecord, at?: string): void;
  /** Writes and syncs a pre-image and gives its SHA-256. @throws UndoLogError */
  store(bytes: Buffer): string;
  /** @throws UndoLogError when the pre-image is missing or damaged. */
  content(sha256: string): Buffer;
  close(): void;
}

const hash = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");
const checksum = (previous: string, text: string) => hash(previous + text).slice(0, 16);

/** The line for a record; its checksum is the last member, so that it can be cut off as text. */
function lineOf(
  record: RunRecord,
  n: number,
  at: string,
  previous: string,
): { readonly line: string; readonly sum: string } {
  const text = JSON.stringify({ v: VERSION, n, at, ...record });
  const sum = checksum(previous, text);
  return { line: `${text.slice(0, -1)},"sum":"${sum}"}\n`, sum };
}

interface Parsed {
  readonly records: readonly Logged[];
  readonly sum: string;
  /** Bytes of the whole lines: a torn last line begins there. */
  readonly length: number;
  /** What is wrong with the line behind the last record. */
  readonly damage: UndoLogError | undefined;
}

/** A line without its checksum, and the checksum; `undefined` when it has none. */
function splitLine(line: string): { readonly text: string; readonly sum: string } | undefined {
  const [, start, sum] = /^(.*),"sum":"([0-9a-f]{16})"\}$/s.exec(line) ?? [];
  return start === undefined || sum === undefined ? undefined : { text: `${start}}`, sum };
}

/** The text of a line whose checksum fits behind that of the line before; `undefined` where it does not. */
function soundText(line: string, previous: string): string | undefined {
  const { text, sum } = splitLine(line) ?? {};
  return text !== undefined && checksum(previous, text) === sum ? text : undefined;
}

/**
 * Reads a log's text. A last line without its end was torn by a crash before anything was done in its name, and is
 * left out.
 * @throws UndoLogError for any other damage, with the line.
 */
export function parseLog(bytes: Buffer, file: string): Omit<Parsed, "damage"> {
  const { damage, ...sound } = parseSound(bytes, file);
  if (damage !== undefined) throw damage;
  return sound;
}

/** Reads a log's text up to the first damage, if there is any. */
function parseSound(bytes: Buffer, file: string): Parsed {
  const end = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, end).toString("utf8").split("\n").slice(0, -1);
  const records: Logged[] = [];
  let previous = "";
  let length = 0;
  const upTo = (damage: UndoLogError | undefined): Parsed => ({ records, sum: previous, length, damage });
  const damage = (line: number, why: string) =>
    upTo(
      new UndoLogError(`${file}:${line}: the undo log is damaged: ${why}`, {
        hint: `the ${line - 1} lines before it are sound, and \`kbreak undo ${basename(dirname(file))}\` undoes what they tell`,
      }),
    );
  for (const [index, line] of lines.entries()) {
    const damaged = (why: string) => damage(index + 1, why);
    const parts = splitLine(line);
    if (parts === undefined) return damaged("no checksum");
    const { text } = parts;
    const sum = checksum(previous, text);
    if (sum !== parts.sum) return damaged("its checksum does not fit");
    const record = JSON.parse(text) as Logged & { readonly v: number };
    if (record.v !== VERSION)
      return upTo(
        new UndoLogError(
          `${file}:${index + 1}: the undo log has version ${record.v}, and this kbreak knows ${VERSION}`,
          { hint: "undo the run with the kbreak that made it" },
        ),
      );
    if (record.n !== index) return damaged(`record ${record.n} stands in the place of record ${index}`);
    records.push(record);
    previous = sum;
    length += Buffer.byteLength(line) + 1;
  }
  // A torn write ends before its newline, or in the zeros of a power cut. Any other byte in its place was put there later,
  // when the record had counted already.
  if (soundText(bytes.subarray(end, -1).toString("utf8"), previous) !== undefined && bytes.at(-1) !== 0)
    return damage(lines.length + 1, "its end is another character");
  return upTo(undefined);
}

/** Bytes from which the last record is read: those that close a run are far shorter. */
const TAIL = 4096;

/**
 * The last record of the log in `folder`, from its last bytes alone and checked against the line before; `undefined` where
 * it takes the whole log to tell, or to find out what is wrong with it.
 */
export function lastRecord(folder: string): Logged | undefined {
  try {
    const [before = "", line = "", rest] = tailOf(join(folder, "log.jsonl")).split("\n").slice(-3);
    const previous = splitLine(before)?.sum;
    const text = previous === undefined ? undefined : soundText(line, previous);
    if (rest !== "" || text === undefined) return undefined;
    const record = JSON.parse(text) as Logged & { readonly v: number };
    return record.v === VERSION ? record : undefined;
  } catch {
    return undefined;
  }
}

function tailOf(file: string): string {
  const descriptor = openPrivate(file, "r");
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(TAIL, size));
    const length = readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString("utf8", 0, length);
  } finally {
    closeSync(descriptor);
  }
}

function guarded<Result>(what: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (error instanceof UndoLogError) throw error;
    throw new UndoLogError(`the undo log cannot ${what}: ${messageOf(error)}`, {
      cause: error,
      hint: "no change is made without its undo record; free space, or choose another folder with --data-dir",
    });
  }
}

export interface OpenOptions {
  /** Makes it; it must not be there yet. */
  readonly create?: boolean;
  readonly readOnly?: boolean;
  /**
   * Opens it for an undo, which goes on with what it has: up to the first damage, and without appending where that cannot
   * be done.
   */
  readonly forUndo?: boolean;
}

/**
 * Opens the log in `folder`.
 * @throws UndoLogError when it is damaged, is missing, or cannot be made.
 */
export function openLog(folder: string, options: OpenOptions = {}): UndoLog {
  const file = join(folder, "log.jsonl");
  const blobs = join(folder, "blobs");
  if (options.create) guarded("be made", () => makeFolders(folder, blobs));
  else if (!existsSync(file)) throw new UndoLogError(`there is no undo log in ${folder}`);
  const { descriptor, unwritable } = guarded("be opened", () => opened(file, options));
  if (options.create) guarded("be made", () => syncPath(folder));
  const parsed = parsedOrClosed(descriptor, file, options.forUndo === true);
  const records = [...parsed.records];
  let { sum, length } = parsed;
  return {
    folder,
    records,
    damage: parsed.damage,
    append(record, at = new Date().toISOString()) {
      if (parsed.damage !== undefined)
        throw new UndoLogError("nothing is appended to a damaged undo log", { cause: parsed.damage });
      const { line, sum: next } = lineOf(record, records.length, at, sum);
      guarded("be written", () => {
        if (unwritable !== undefined) throw unwritable;
        // What a failed or torn write left behind the last whole line is overwritten, and cut off first.
        ftruncateSync(descriptor, length);
        writeWhole(descriptor, Buffer.from(line), length);
        fsyncSync(descriptor);
      });
      length += Buffer.byteLength(line);
      sum = next;
      const { sum: _sum, v: _v, ...logged } = JSON.parse(line);
      records.push(logged as Logged);
    },
    store: (bytes) => guarded("keep a pre-image", () => storeBlob(blobs, bytes)),
    content: (sha256) => readBlob(blobs, sha256),
    close: () => closeSync(descriptor),
  };
}

/** A descriptor of the log's file, and why it cannot be written, where undo does not mind. */
function opened(file: string, { create, readOnly, forUndo }: OpenOptions) {
  try {
    return { descriptor: openPrivate(file, readOnly ? "r" : create ? "wx" : "r+"), unwritable: undefined };
  } catch (error) {
    if (!forUndo || !isUnwritable(error)) throw error;
    return { descriptor: openPrivate(file, "r"), unwritable: error };
  }
}

function parsedOrClosed(descriptor: number, file: string, inSpiteOfDamage: boolean): Parsed {
  try {
    const parsed = parseSound(
      guarded("be read", () => readFileSync(file)),
      file,
    );
    if (parsed.damage !== undefined && !inSpiteOfDamage) throw parsed.damage;
    return parsed;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function makeFolders(folder: string, blobs: string): void {
  makePrivateFolder(dirname(folder));
  // A folder that is there already is somebody's log.
  for (const path of [folder, blobs]) {
    mkdirSync(path);
    chmodSync(path, 0o700);
  }
  chmodSync(dirname(folder), 0o700);
  syncPath(dirname(folder));
}

function storeBlob(blobs: string, bytes: Buffer): string {
  const sha256 = hash(bytes);
  const path = join(blobs, sha256);
  if (existsSync(path)) return sha256;
  const temporary = `${path}.part`;
  const descriptor = openPrivate(temporary, "w");
  try {
    writeWhole(descriptor, bytes, 0);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
  syncPath(blobs);
  return sha256;
}

function readBlob(blobs: string, sha256: string): Buffer {
  const path = join(blobs, sha256);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UndoLogError(`the pre-image ${path} is missing: ${messageOf(error)}`, { cause: error });
  }
  if (hash(bytes) !== sha256)
    throw new UndoLogError(`the pre-image ${path} is damaged: its checksum does not fit`);
  return bytes;
}
