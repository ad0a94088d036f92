import { lines, type Shell, sh, trusted } from "../../shell.ts";
import { entriesOf, readable } from "../entries.ts";
import type { Section } from "../section.ts";
import type { Entries } from "../types.ts";
import { listed, walk } from "../walk.ts";
import type { Listed } from "./files.ts";

/** Files up to this many bytes are hashed as a whole; of larger ones the first and the last MiB. */
export const wholeUpTo = 256 * 1024 * 1024;

const nothing = trusted("-true");
const select = (whole: string) =>
  walk({ outside: nothing, names: nothing, untimed: trusted(whole), whole: trusted(whole) });

const small = select(`-type f -size -${wholeUpTo + 1}c -print0`);
const large = select(`-type f -size +${wholeUpTo}c -print0`);

// A disk image or a sparse file of a terabyte would take minutes.
const ends = trusted(String.raw`
for file; do
  ends=$({ head -c 1048576 "$file"; tail -c 1048576 "$file"; } | sha256sum)
  printf '%s:%s\0' "${"$"}{ends%% *}" "$file"
done`);

/** `sha256sum` puts a backslash before the hash of a name in which it had to escape something. */
function nameOf(text: string, wasEscaped: boolean): Buffer {
  const name = wasEscaped
    ? text.replace(/\\(.)/g, (_, char: string) => ({ n: "\n", r: "\r" })[char] ?? char)
    : text;
  return Buffer.from(name, "latin1");
}

function pairOf(line: string): readonly [string, string] {
  const [, backslash, hash, part, name] = /^(\\?)([0-9a-f]{64})( [ *]|:)(.*)$/s.exec(line) ?? [];
  if (hash === undefined || name === undefined)
    throw new Error(`not a line of sha256sum: ${line.slice(0, 80)}`);
  const label = part === ":" ? "sha256 of both ends" : "sha256";
  return [readable(nameOf(name, backslash === "\\")), `${label} ${hash}`];
}

function read(output: Buffer): Entries {
  const text = output.toString("latin1");
  const end = text.indexOf("\0");
  if (end === -1) throw new Error("the hashes end early");
  const whole = text.slice(0, end).split("\n");
  const partial = text.slice(end + 1).split("\0");
  return entriesOf([...whole, ...partial].filter((line) => line !== "").map(pairOf));
}

/** Hashes what two scripts list, each name ended by a NUL. */
function hashing(whole: Shell, partial: Shell): Section {
  return {
    name: "contents",
    programs: ["find", "xargs", "sha256sum"],
    // sha256sum writes whole lines, so that several may share a pipe; with -z it would not.
    script: lines(
      sh`${whole} | xargs -0 -r -P "$(nproc)" -n 200 sha256sum --`,
      sh`printf '\0'`,
      sh`${partial} | xargs -0 -r -n 50 sh -c ${ends.shell} sh`,
    ),
    read,
  };
}

/** SHA-256 of every file whose contents are compared. */
export const contents: Section = hashing(small, large);

/** The same of these files only. */
export function contentsOf(files: readonly Listed[]): Section {
  const isLarge = ({ bytes = 0 }: Listed) => bytes > wholeUpTo;
  const pathsOf = (list: readonly Listed[]) => listed(list.map(({ path }) => path));
  return hashing(pathsOf(files.filter((file) => !isLarge(file))), pathsOf(files.filter(isLarge)));
}
