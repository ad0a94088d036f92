import { ConnectError } from "../errors.ts";
import { unknown } from "./drive.ts";
import { rootShellProblem } from "./root-check.ts";
import { rootShell, SHELLS, type ShellWords } from "./root-shell.ts";
import { semaphore } from "./semaphore.ts";
import { type ResolvedSsh, resolveSsh } from "./ssh-config.ts";
import { explain } from "./ssh-errors.ts";
import { type Credentials, readCredentials } from "./ssh-keys.ts";
import { HOST_KEY_FAMILIES, type Link, type LinkFailure, openLink } from "./ssh-link.ts";
import { runInSession } from "./ssh-session.ts";
import type { Connection, ConnectOptions, NodeAccess, Outcome } from "./transport.ts";
import { type Attempt, CONNECT_DEADLINE, within } from "./within.ts";

/** Sessions at a time on one connection. A server allows ten (MaxSessions), people's own logins aside. */
const SESSIONS = 6;

/**
 * A node over ssh: one connection, on which each script gets a session of its own. A script's deadline begins when
 * its session does, not while it waits for a place.
 * @throws ConnectError
 */
export async function connectSsh(node: NodeAccess, options: ConnectOptions): Promise<Connection> {
  const deadline = options.deadline ?? CONNECT_DEADLINE;
  return within(node.name, deadline, async (attempt) => {
    attempt.stage("reading ssh's configuration");
    const ssh2 = (await import("ssh2")).default;
    const access = await resolveSsh(node);
    const credentials = await readCredentials(ssh2, node, access);
    const link = await linkTo(ssh2, node, options, access, credentials, attempt);
    const connection = overLink(node, link);
    attempt.signal.addEventListener("abort", () => void connection.close(), { once: true });
    attempt.stage("starting a root shell");
    const problem = await rootShellProblem(connection, attempt.left());
    if (problem === undefined) return connection;
    await connection.close();
    throw noRootShell(node, access, problem);
  });
}

async function linkTo(
  ssh2: typeof import("ssh2"),
  node: NodeAccess,
  options: ConnectOptions,
  access: ResolvedSsh,
  credentials: Credentials,
  attempt: Attempt,
): Promise<Link> {
  const open = (algorithms: (typeof HOST_KEY_FAMILIES)[number]) =>
    openLink(ssh2, { access, methods: credentials.methods, algorithms, hostKey: options.hostKey }, attempt);
  const first = await open(HOST_KEY_FAMILIES.flat());
  if ("link" in first) return first.link;
  if (!showsAnotherKey(first.failure, options)) throw explain(node, access, credentials, first.failure);
  // A key of a better kind that was added to the node comes first: the enrolled one may still be there behind it.
  for (const family of HOST_KEY_FAMILIES) {
    const next = await open(family);
    if ("link" in next) return next.link;
  }
  throw hostKeyChanged(node, access, options.hostKey ?? "", first.failure.hostKey ?? "");
}

function showsAnotherKey(failure: LinkFailure, options: ConnectOptions): boolean {
  return (
    options.hostKey !== undefined && failure.hostKey !== undefined && failure.hostKey !== options.hostKey
  );
}

function overLink(node: NodeAccess, link: Link): Connection {
  const sessions = semaphore(SESSIONS);
  const runIn = async (shell: ShellWords, script: string, deadline: number): Promise<Outcome> => {
    const leave = await sessions.acquire();
    if (link.gone.aborted) {
      leave();
      return unknown("lost", String(link.gone.reason));
    }
    return runInSession(link, rootShell(node.become === true, shell), script, deadline, leave);
  };
  let usual = SHELLS[0];
  return {
    node: node.name,
    hostKey: link.hostKey,
    run: async (script, { deadline }) => {
      const first = await runIn(usual, script, deadline);
      if (!isShellless(first)) return first;
      for (const shell of SHELLS.filter((other) => other !== usual)) {
        const outcome = await runIn(shell, script, deadline);
        if (isShellless(outcome)) continue;
        usual = shell;
        return outcome;
      }
      return first;
    },
    close: () => link.close(),
  };
}

const isShellless = (outcome: Outcome) => outcome.kind === "unknown" && outcome.shellless === true;

function hostKeyChanged(
  node: NodeAccess,
  access: ResolvedSsh,
  enrolled: string,
  shown: string,
): ConnectError {
  return new ConnectError(
    `${access.host}:${access.port} shows the host key ${shown}, but ${node.name} was enrolled with ${enrolled}: ` +
      "it was installed anew, its host keys were replaced, or it is another machine",
    {
      target: node.name,
      hint:
        "on the node's console, `for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done` shows its keys; " +
        `if it is yours: \`kbreak inventory enrol --replace ${node.name}\``,
    },
  );
}

function noRootShell(node: NodeAccess, access: ResolvedSsh, problem: string): ConnectError {
  return new ConnectError(`${access.user}@${access.host}:${access.port} gives no root shell: ${problem}`, {
    target: node.name,
    hint:
      node.become === true
        ? `\`sudo -n true\` must work for ${access.user} without a password (NOPASSWD in sudoers)`
        : access.user === "root"
          ? "log in there: `/usr/bin/env` must work, and `/bin/sh` or bash"
          : `set \`become: true\` for this node in the inventory (root by sudo), or \`user: root\``,
  });
}
