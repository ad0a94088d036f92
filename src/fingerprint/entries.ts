import { createHash } from "node:crypto";
import type { Entries } from "./types.ts";

/**
 * Pairs as entries, sorted by key. Values of the same key are joined in their order: two mounts on one path, or two
 * rules of one priority, are one entry.
 */
export function entriesOf(pairs: Iterable<readonly [string, string]>): Entries {
  const values = new Map<string, string[]>();
  for (const [key, value] of pairs) {
    const known = values.get(key);
    if (known === undefined) values.set(key, [value]);
    else known.push(value);
  }
  const sorted = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  // Without a prototype, so that a thing named __proto__ or constructor is a key as any other.
  const entries: Record<string, string> = Object.create(null);
  for (const [key, list] of sorted) entries[key] = list.join(" | ");
  return entries;
}

/** Things of which only the number counts: `×2` for each. */
export function counted(keys: Iterable<string>): readonly (readonly [string, string])[] {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].map(([key, count]) => [key, `×${count}`] as const);
}

/** SHA-256 in hex. */
export function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decoded(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

const hexOf = (code: number) => `\\x${code.toString(16).padStart(2, "0")}`;

/** A control character: `\xNN` within ASCII, `\u00NN` beyond it, where `\xNN` would be a byte that is no UTF-8. */
function control(char: string): string {
  const code = char.charCodeAt(0);
  return code < 0x80 ? hexOf(code) : `\\u${code.toString(16).padStart(4, "0")}`;
}

/** Control characters and bytes that are no UTF-8 become escapes. */
function shown(bytes: Buffer): string {
  const text = decoded(bytes);
  if (text !== undefined) return text.replace(/\p{Cc}/gu, control);
  return [...bytes]
    .map((byte) => (byte < 0x20 || byte > 0x7e ? hexOf(byte) : String.fromCharCode(byte)))
    .join("");
}

const BACKSLASH = 0x5c;

/**
 * Bytes as text that a person can read and that stands for these bytes only: a backslash is doubled, control
 * characters and bytes that are no UTF-8 become escapes such as `\x0a`. Where a name is not UTF-8, all its bytes outside ASCII do.
 */
export function readable(bytes: Buffer): string {
  if (!bytes.includes(BACKSLASH)) return shown(bytes);
  return bytes
    .toString("latin1")
    .split("\\")
    .map((part) => shown(Buffer.from(part, "latin1")))
    .join("\\\\");
}

/**
 * The lines of a program's text, without the empty ones and with nothing in them that could move a cursor. Tabs, which
 * programs put between columns, are blanks.
 */
export function linesOf(output: Buffer): readonly string[] {
  return output
    .toString("latin1")
    .replaceAll("\t", " ")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => shown(Buffer.from(line, "latin1")));
}

/** The fields of NUL-terminated output. */
export function fieldsOf(output: Buffer): readonly Buffer[] {
  const fields: Buffer[] = [];
  let start = 0;
  for (let end = output.indexOf(0); end !== -1; end = output.indexOf(0, start)) {
    fields.push(output.subarray(start, end));
    start = end + 1;
  }
  if (start !== output.length) throw new Error("the output ends in the middle of a field");
  return fields;
}

/** Fields in groups of `size`: the records of NUL-terminated output. */
export function recordsOf(output: Buffer, size: number): readonly (readonly Buffer[])[] {
  const fields = fieldsOf(output);
  if (fields.length % size !== 0) throw new Error("the output ends in the middle of a record");
  return Array.from({ length: fields.length / size }, (_, index) =>
    fields.slice(index * size, (index + 1) * size),
  );
}
