import { sh, trusted } from "../../shell.ts";
import { entriesOf, readable, recordsOf } from "../entries.ts";
import type { Section } from "../section.ts";
import { walk } from "../walk.ts";

const types: Readonly<Record<string, string>> = {
  f: "file",
  d: "folder",
  l: "link",
  c: "character device",
  b: "block device",
  p: "pipe",
  s: "socket",
};

/** `1700000000.1234567890`, as find prints it, as `2023-11-14T22:13:20.123456789Z`. */
function timeOf(stamp: string): string {
  const [seconds = "0", fraction = ""] = stamp.split(".");
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, -"000Z".length);
  return `${whole}${fraction.padEnd(9, "0").slice(0, 9)}Z`;
}

function describe(stat: string, target: string): string {
  const [type = "", mode = "", owner = "", time = "-", size = "-"] = stat.split(" ");
  // Writing to a terminal or a pipe moves its time, and a folder's size only tells how many entries it once had.
  const timed = time !== "-" && "fdl".includes(type);
  const sized = size !== "-" && type === "f";
  return [
    types[type] ?? `type ${type}`,
    mode.padStart(4, "0"),
    owner,
    ...(sized ? [`${size} bytes`] : []),
    ...(timed ? [timeOf(time)] : []),
    ...(type === "l" ? [`-> ${target}`] : []),
  ].join(" ");
}

const print = (time: string, size: string) => trusted(`-printf '%y %m %U:%G ${time} ${size}\\0%p\\0%l\\0'`);

/** Every path: type, mode, owner, size, modification time in nanoseconds, target of a link. */
export const files: Section = {
  name: "files",
  programs: ["find"],
  // Something may vanish while find walks: that is no failure.
  script: sh`${walk({
    outside: print("-", "-"),
    names: print("-", "-"),
    untimed: print("-", "%s"),
    whole: print("%T@", "%s"),
  })}
:`,
  read: (output) =>
    entriesOf(
      recordsOf(output, 3).map(([stat, path, target]) => [
        readable(path ?? Buffer.alloc(0)),
        describe(String(stat), readable(target ?? Buffer.alloc(0))),
      ]),
    ),
};
