import { lastLine } from "./drive.ts";
import type { Connection } from "./transport.ts";

// Nothing but the shell itself: a break may have taken `id`.
const SCRIPT = `
while read -r key real effective rest; do
  case $key in Uid:) echo "$effective" ;; esac
done </proc/self/status
`;

/**
 * Whether a script really reaches a root shell.
 * @param deadline Milliseconds.
 * @returns What is wrong, in words, or `undefined`.
 */
export async function rootShellProblem(
  connection: Connection,
  deadline: number,
): Promise<string | undefined> {
  const outcome = await connection.run(SCRIPT, { deadline });
  if (outcome.kind === "unknown") return outcome.detail;
  const uid = lastLine(outcome.stdout);
  return uid === "" || uid === "0" ? undefined : `the shell is not root's, it runs as user ${uid}`;
}
