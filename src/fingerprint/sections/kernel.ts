import { sh } from "../../shell.ts";
import { entriesOf, linesOf } from "../entries.ts";
import type { Section } from "../section.ts";
import { isVolatile, passingUnits, roundedSysctls, volatileSysctls } from "../volatile.ts";

/** As sysctl(8) writes it: slashes become dots, and a dot in a device's name becomes a slash. */
const sysctlName = (path: string) => path.replace(/[./]/g, (char) => (char === "/" ? "." : "/"));

/** A number to two digits: 12371 as 12000. */
const rounded = (digits: string) => String(Number(Number(digits).toPrecision(2)));

/** Every readable kernel setting. Of a setting with several lines, the lines in their order. */
export const sysctls: Section = {
  name: "sysctls",
  programs: ["find", "grep"],
  // stat_refresh makes the kernel do work when it is read. Some settings cannot be read: grep's status says nothing.
  script: sh`cd /proc/sys && find . -type f -perm -400 ! -name stat_refresh -exec grep -Has '' {} +
:`,
  read: (output) =>
    entriesOf(
      linesOf(output)
        .map((line) => /^\.\/([^:]+):(.*)$/s.exec(line))
        .filter((match) => match !== null)
        .map(([, path = "", value = ""]) => [path, value] as const)
        .filter(([path]) => !isVolatile(volatileSysctls, path))
        .map(([path, value]) => [
          sysctlName(path),
          isVolatile(roundedSysctls, path) ? value.replace(/\d+/g, rounded) : value,
        ]),
    ),
};

/** Loaded kernel modules, by name. */
export const modules: Section = {
  name: "modules",
  programs: ["cat"],
  script: sh`[ -r /proc/modules ] || { because 'the kernel has no modules'; exit 1; }; cat /proc/modules`,
  read: (output) => entriesOf(linesOf(output).map((line) => [line.split(" ")[0] ?? "", "loaded"] as const)),
};

/** Swap files and partitions in use. */
export const swaps: Section = {
  name: "swaps",
  programs: ["cat"],
  script: sh`cat /proc/swaps`,
  read: (output) =>
    entriesOf(
      linesOf(output)
        .slice(1)
        .map((line) => line.split(/\s+/))
        .map(
          ([file = "", type, size, , priority]) =>
            [file, `${type} ${size} KiB priority ${priority}`] as const,
        ),
    ),
};

/** Host name, kernel, and the clock where there is a real-time clock to hold it against. */
export const host: Section = {
  name: "host",
  programs: ["uname"],
  script: sh`uname -n && uname -r
{ read -r rtc </sys/class/rtc/rtc0/since_epoch && echo "$(($(date +%s) - rtc))"; } 2>/dev/null
:`,
  read: (output) => {
    const [hostname = "", kernel = "", ahead] = linesOf(output);
    return entriesOf([
      ["hostname", hostname],
      ["kernel", kernel],
      ...(ahead === undefined ? [] : [["clock", clockText(Number(ahead))] as const]),
    ]);
  },
};

/**
 * Seconds that the clock is ahead of the real-time clock, in whole minutes: two crystals drift apart. The bounds between
 * two numbers of minutes are where nobody puts a clock on purpose.
 */
function clockText(ahead: number): string {
  const minutes = Math.floor((Math.abs(ahead) + 15) / 60);
  if (minutes === 0) return "as the real-time clock";
  return `${minutes} minutes ${ahead < 0 ? "behind" : "ahead of"} the real-time clock`;
}

/** Limits and freezes of control groups (version 2) that are not the kernel's default. */
export const cgroups: Section = {
  name: "cgroups",
  programs: ["find", "grep"],
  script: sh`
cd /sys/fs/cgroup/unified 2>/dev/null || cd /sys/fs/cgroup
[ -e cgroup.controllers ] || { because 'control groups of version 1'; exit 1; }
find . \( -name cgroup.freeze -o -name '*.max' -o -name '*.high' -o -name '*.weight' -o -name cpuset.cpus \) \
  -exec grep -Has '' {} +
:`,
  read: (output) =>
    entriesOf(
      linesOf(output)
        .map((line) => /^\.\/(?:(.*)\/)?([a-z.0-9A-Z]+):(.*)$/s.exec(line))
        .filter((match) => match !== null)
        .filter(([, , , value = ""]) => !defaults.has(value))
        // A unit that comes and goes takes its group with it.
        .filter(([, group = ""]) => !group.split("/").some((name) => isVolatile(passingUnits, name)))
        .map(([, group = "", file, value = ""]) => [`/${withoutIds(group)} ${file}`, value] as const),
    ),
};

const defaults: ReadonlySet<string> = new Set(["", "0", "max", "max 100000", "100", "default 100"]);

/** A container that was started again is in a group of another id. */
const withoutIds = (group: string) => group.replace(/[0-9a-f]{64}/g, "*");
