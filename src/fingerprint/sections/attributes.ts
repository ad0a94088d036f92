import { type Shell, sh, trusted } from "../../shell.ts";
import { entriesOf, readable, recordsOf, sha256 } from "../entries.ts";
import type { Section } from "../section.ts";
import { listed, walk } from "../walk.ts";
import type { Listed } from "./files.ts";

// Perl's base package is essential on Debian and Ubuntu, getfattr is not there by default, and lsattr's output is
// ambiguous for a name with a newline. O_NOATIME (which Fcntl does not know) and O_NONBLOCK: looking must neither
// leave a trace nor wait.
const perl = String.raw`
use strict;
use Fcntl;
my %numbers = (x86_64 => [195, 192], aarch64 => [12, 9], riscv64 => [12, 9]);
my ($list, $get) = @{ $numbers{$ARGV[0]} or die "no system call numbers for $ARGV[0]" };
my $noatime = 01000000;
$/ = "\0";
while (my $path = <STDIN>) {
  chomp $path;
  my @stat = lstat $path or next;
  if (-f _ or -d _) {
    my $flags = pack "L!", 0;
    if (sysopen my $file, $path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | $noatime) {
      ioctl $file, 0x80086601, $flags;
    }
    my $value = unpack "L!", $flags;
    printf "%s\0flags\0%x\0", $path, $value if $value;
  }
  if (-b _ or -c _) {
    printf "%s\0device\0%d:%d\0", $path, ($stat[6] >> 8) & 0xfff, ($stat[6] & 0xff) | (($stat[6] >> 12) & 0xfff00);
  }
  # A buffer is made for the few paths that have attributes: filling one for each costs more than all the rest.
  next if syscall($list, $path, 0, 0) <= 0;
  my $names = "\0" x 65536;
  my $length = syscall $list, $path, $names, 65536;
  next if $length <= 0;
  for my $name (sort split /\0/, substr $names, 0, $length) {
    my $value = "\0" x 65536;
    my $size = syscall $get, $path, $name, $value, 65536;
    printf "%s\0%s\0%s\0", $path, "xattr $name", $size < 0 ? "unreadable" : unpack "H*", substr $value, 0, $size;
  }
}
`;

/** Letters of chattr(1). Left out is what a file system sets by itself: extents, hashed folders, inline data. */
const letters: readonly (readonly [number, string])[] = [
  [0x1, "s"],
  [0x2, "u"],
  [0x4, "c"],
  [0x8, "S"],
  [0x10, "i"],
  [0x20, "a"],
  [0x40, "d"],
  [0x80, "A"],
  [0x400, "m"],
  [0x800, "E"],
  [0x4000, "j"],
  [0x8000, "t"],
  [0x10000, "D"],
  [0x20000, "T"],
  [0x100000, "V"],
  [0x800000, "C"],
  [0x2000000, "x"],
  [0x20000000, "P"],
  [0x40000000, "F"],
];

function describe(name: string, value: string): string | undefined {
  if (name !== "flags") return `${name} ${value.length > 128 ? `sha256 ${sha256(value)}` : value}`;
  const bits = Number.parseInt(value, 16);
  const set = letters.filter(([bit]) => (bits & bit) !== 0).map(([, letter]) => letter);
  return set.length === 0 ? undefined : `flags ${set.join("")}`;
}

const list = trusted("-print0");

function reading(paths: Shell): Section {
  return {
    name: "attributes",
    programs: ["find", "perl", "uname"],
    script: sh`${paths} | perl -e ${perl} "$(uname -m)"`,
    read: (output) =>
      entriesOf(
        recordsOf(output, 3).flatMap(([path = Buffer.alloc(0), name = Buffer.alloc(0), value]) => {
          const text = describe(readable(name), String(value));
          return text === undefined ? [] : [[readable(path), text] as const];
        }),
      ),
  };
}

/** Flags as lsattr(1) shows them, extended attributes (in hex), numbers of devices; of the paths that have any. */
export const attributes: Section = reading(walk({ outside: list, names: list, untimed: list, whole: list }));

/** The same of these paths only. */
export const attributesOf = (paths: readonly Listed[]): Section =>
  reading(listed(paths.map(({ path }) => path)));
