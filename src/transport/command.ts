import { ConnectError, messageOf } from "../errors.ts";
import { quote } from "../shell.ts";
import { startChild } from "./child.ts";
import { drive, unknown } from "./drive.ts";
import { newGone } from "./gone.ts";
import { rootShellProblem } from "./root-check.ts";
import { rootShell } from "./root-shell.ts";
import { semaphore } from "./semaphore.ts";
import type { Connection, ConnectOptions, NodeAccess } from "./transport.ts";
import { CONNECT_DEADLINE } from "./within.ts";

/** ssh's own failures end with 255, and it passes on a script's 255 as well: it cannot be told which it was. */
const SSH_FAILED = 255;

/** Commands at a time. A server drops logins at random when ten are under way (MaxStartups). */
const COMMANDS = 6;

/**
 * A node behind a command line that ends in a shell's standard input, such as `docker exec -i {name} sh -s`.
 *
 * That shell gets one line, which replaces it by a root shell with a clean environment, and the script only when
 * that one has answered: an exit code is never that of a command which did not reach the node.
 * @throws ConnectError when the command does not end in a root shell within the deadline.
 */
export async function connectCommand(
  node: NodeAccess & { readonly command: string },
  options: ConnectOptions,
): Promise<Connection> {
  const line = withoutAgent(expand(node));
  const gone = newGone();
  const places = semaphore(COMMANDS);
  const connection: Connection = {
    node: node.name,
    hostKey: undefined,
    run: async (script, { deadline }) => {
      const leave = await places.acquire();
      try {
        if (gone.signal.aborted) return unknown("lost", String(gone.signal.reason));
        const { command, marker } = rootShell(node.become === true);
        return await drive(startChild(["/bin/sh", "-c", `exec ${line}`]), script, {
          deadline,
          gone: gone.signal,
          marker,
          preface: `${command}\n`,
          linger: 250,
          failureCode: SSH_FAILED,
        });
      } catch (error) {
        return unknown("lost", messageOf(error));
      } finally {
        leave();
      }
    },
    close: async () => gone.abort("the connection was closed"),
  };
  const problem = await rootShellProblem(connection, options.deadline ?? CONNECT_DEADLINE);
  if (problem === undefined) return connection;
  await connection.close();
  throw new ConnectError(`\`${line}\` does not end in a root shell: ${problem}`, {
    target: node.name,
    hint: `try \`echo id | ${line}\`: it must print uid=0 and ask for nothing; else change the node's \`command\` in the inventory`,
  });
}

/** Its own settings may make ssh forward the agent, and whoever is root on the node could use it then. */
const withoutAgent = (line: string) => line.replace(/^((?:\S*\/)?ssh)(?=\s)/, "$1 -a");

/** The command line with its placeholders replaced by quoted values. */
function expand(node: NodeAccess & { readonly command: string }): string {
  const values: Readonly<Record<string, string | undefined>> = {
    name: node.name,
    host: node.host ?? node.name,
    port: String(node.port ?? 22),
    user: node.user ?? "root",
  };
  return node.command.replace(/\{(name|host|port|user)\}/g, (whole, key: string) => {
    const value = values[key];
    return value === undefined ? whole : quote(value);
  });
}
