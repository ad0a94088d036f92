import { readFileSync } from "node:fs";
import { type Measuring, type Timed, timed } from "./command.ts";

/** Milliseconds between two looks at a process. */
const INTERVAL = 20;

/** The most memory that a process has had so far, in mebibytes; `undefined` when it is gone. */
function peakSoFar(pid: number): number | undefined {
  try {
    const kibibytes = /^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) / 1024;
  } catch {
    return undefined;
  }
}

/** As {@link timed}, with the most memory that the command's own process has had, in mebibytes. */
export async function timedWithMemory(
  argv: readonly string[],
  measuring: Measuring,
): Promise<Timed & { readonly memory: number }> {
  let memory = 0;
  let looks: NodeJS.Timeout | undefined;
  try {
    const onStart = (pid: number) => {
      looks = setInterval(() => {
        memory = peakSoFar(pid) ?? memory;
      }, INTERVAL);
    };
    return { ...(await timed(argv, { ...measuring, onStart })), memory };
  } finally {
    clearInterval(looks);
  }
}
