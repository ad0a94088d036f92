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

/** `more`: what the state needs beside what is compared. */
const print = (time: string, size: string, more: string) =>
  trusted(`-printf '%y %m %U:%G ${time} ${size}\\0%p\\0%l\\0%F %C@ %D %i${more}\\0'`);

const none = Buffer.alloc(0);

/** Every path: type, mode, owner, size, modification time in nanoseconds, target of a link. */
export const files: Section = {
  name: "files",
  programs: ["find", "date"],
  // Something may vanish while find walks: that is no failure.
  script: sh`
boot='' machine=''
read -r boot </proc/sys/kernel/random/boot_id
read -r machine </etc/machine-id
printf '%s\0' "$(date +%s)" "$boot" "$machine" ''
${walk({
  outside: print("-", "-", " %s %T@"),
  names: print("-", "-", " %s %T@"),
  untimed: print("-", "%s", " %T@"),
  whole: print("%T@", "%s", ""),
})}
:`,
  read: (output) =>
    entriesOf(
      recordsOf(output, 4)
        .slice(1)
        .map(([stat, path = none, target = none]) => [
          readable(path),
          describe(String(stat), readable(target)),
        ]),
    ),
};

/** A path, and by what to tell whether it is as it was. */
export interface Listed {
  readonly path: Buffer;
  /** Of a file whose contents are compared. */
  readonly bytes: number | undefined;
  /** Times of change and modification, device, inode, size and more: another after every write, also to its attributes. */
  readonly state: string;
  /** Whether its last change is long enough ago that a later one cannot have the same time. */
  readonly quiet: boolean;
  /** Whether its file system sets a time of change at every write. */
  readonly dated: boolean;
}

/** What the section's script tells beside its entries. */
export interface Census {
  /** Boot id and machine id: clones of one saved machine have the same boot id. `undefined` when it cannot be told. */
  readonly machine: string | undefined;
  readonly paths: readonly Listed[];
}

/**
 * Not tmpfs: a program that has mapped a file there writes to it without a new time, as do older kernels that set an
 * extended attribute. Files of overlay and btrfs are on devices that no mount has: find calls these unknown.
 */
const dated: ReadonlySet<string> = new Set([
  ...["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "overlay", "unknown"],
]);

/**
 * Seconds. Times come from a coarse clock (of a second on old ext3), so that two writes may have the same; a mapped
 * page that is dirty is written to without a new time until it is on the disk, for half a minute unless vm.dirty_* say otherwise.
 */
const quiet = 60;

/** Reads from the output of {@link files} which paths there are, and by what to tell whether they changed. */
export function censusOf(output: Buffer): Census {
  const [head = [], ...records] = recordsOf(output, 4);
  const [clock = "", boot = "", machine = ""] = head.map(String);
  const latest = Number(clock) - quiet;
  return {
    machine: boot === "" ? undefined : `${boot} ${machine}`,
    paths: records.map(([stat, path = none, , text]) => {
      const [type, , , , size = "-"] = String(stat).split(" ");
      const [system = "", changed = ""] = String(text).split(" ");
      return {
        path,
        bytes: type === "f" && size !== "-" ? Number(size) : undefined,
        state: `${stat} ${text}`,
        quiet: Number(changed) < latest,
        dated: dated.has(system),
      };
    }),
  };
}
