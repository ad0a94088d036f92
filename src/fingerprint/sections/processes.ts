import { sh } from "../../shell.ts";
import { counted, entriesOf, linesOf } from "../entries.ts";
import type { Section } from "../section.ts";
import { isVolatile, volatileProcesses } from "../volatile.ts";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly user: string;
  readonly command: string;
}

function processOf(line: string): Process {
  const [, pid, parent, state = "", user = "", command = ""] =
    /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S+) +(.*)$/s.exec(line) ?? [];
  if (pid === undefined) throw new Error(`not a line of ps: ${line}`);
  return { pid: Number(pid), parent: Number(parent), state, user, command: command.trimEnd() };
}

const isListener = (process: Process) => /^sshd: .*\[listener\]|^\S*sshd -D\b/.test(process.command);

/** The process of our own login: the highest ancestor of the script that is neither init nor the ssh server. */
function ownLogin(all: ReadonlyMap<number, Process>, pid: number): number {
  const parent = all.get(all.get(pid)?.parent ?? 0);
  return parent === undefined || parent.pid === 1 || isListener(parent) ? pid : ownLogin(all, parent.pid);
}

function descends(all: ReadonlyMap<number, Process>, process: Process, ancestor: number): boolean {
  if (process.pid === ancestor) return true;
  const parent = all.get(process.parent);
  return parent !== undefined && descends(all, parent, ancestor);
}

const kernelThreads = 2;

/** The ssh server's title counts logins that are under way. */
const titleOf = (command: string) => command.replace(/ \d+ of (\d+-\d+) startups$/, " of $1 startups");

/**
 * Which processes stay: in both samples with the same command line, neither ours nor the kernel's nor dead.
 * @param self process id of the script's shell
 */
export function lasting(
  self: number,
  first: readonly Process[],
  second: readonly Process[],
): readonly Process[] {
  const all = new Map(second.map((process) => [process.pid, process] as const));
  const before = new Map(first.map((process) => [process.pid, process.command] as const));
  const own = ownLogin(all, self);
  return second.filter(
    (process) =>
      before.get(process.pid) === process.command &&
      !descends(all, process, own) &&
      process.pid !== kernelThreads &&
      process.parent !== kernelThreads &&
      !process.state.startsWith("Z") &&
      !isVolatile(volatileProcesses, process.command),
  );
}

function keyOf(process: Process): string {
  const stopped = process.state.startsWith("T") ? "stopped " : "";
  return `${process.user} ${stopped}${titleOf(process.command)}`;
}

/** How long a process must live to be seen, in seconds: programs that a timer or a login starts are over by then. */
const settle = 0.8;

const sample = sh`ps -e -ww -o pid= -o ppid= -o stat= -o user:32= -o args=`;

/** Processes by user and command line, and how many there are of each. */
export const processes: Section = {
  name: "processes",
  programs: ["ps", "sleep"],
  script: sh`echo $$; ${sample}; echo =; sleep ${settle}; ${sample}`,
  read: (output) => {
    const [self = "", ...lines] = linesOf(output);
    const middle = lines.indexOf("=");
    const first = lines.slice(0, middle).map(processOf);
    const second = lines.slice(middle + 1).map(processOf);
    return entriesOf(counted(lasting(Number(self), first, second).map(keyOf)));
  },
};
