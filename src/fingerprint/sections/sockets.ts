import { sh } from "../../shell.ts";
import { entriesOf, linesOf } from "../entries.ts";
import type { Section } from "../section.ts";

function pairOf(line: string): readonly [string, string] {
  const [protocol = "", state = "", , , local = "", , ...users] = line.trim().split(/\s+/);
  const names = [...users.join(" ").matchAll(/\("([^"]*)",pid=/g)].map(([, name = ""]) => name);
  return [`${protocol} ${local}`, [state, ...[...new Set(names)].sort()].join(" ")];
}

/**
 * A question to a name server opens a socket for a moment: only what is there twice is listed. With PROC_ROOT ss reads
 * the tables in /proc, as its questions to the kernel would make that load a module for each protocol.
 */
const sample = sh`PROC_ROOT=/proc ss -H -t -u -w -l -n -p`;

/** Listening sockets: protocol and address, and the programs that hold them. */
export const sockets: Section = {
  name: "sockets",
  programs: ["ss", "sleep"],
  script: sh`${sample} && echo = && sleep ${0.5} && ${sample}`,
  read: (output) => {
    const lines = linesOf(output);
    const middle = lines.indexOf("=");
    const before = new Set(lines.slice(0, middle).map((line) => pairOf(line)[0]));
    return entriesOf(
      lines
        .slice(middle + 1)
        .map(pairOf)
        .filter(([key]) => before.has(key)),
    );
  },
};
