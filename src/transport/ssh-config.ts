import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { ConnectError } from "../errors.ts";
import { quote } from "../shell.ts";
import type { NodeAccess } from "./transport.ts";

/** How to reach a node by ssh, after `~/.ssh/config` and the inventory. */
export interface ResolvedSsh {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /**
   * Absolute paths of private keys, in the order to try. The inventory's key alone where there is one (it may not
   * exist); else those of ssh's list that exist.
   */
  readonly identityFiles: readonly string[];
  /** Path of the agent's socket. */
  readonly agent: string | undefined;
  /** True: of the agent's keys only those of {@link identityFiles} may be offered. */
  readonly identitiesOnly: boolean;
  /** A shell command whose standard input and output are the connection to the node's sshd. */
  readonly proxyCommand: string | undefined;
}

type SshOptions = ReadonlyMap<string, readonly string[]>;

/** `ssh -G` may run the `Match exec` commands of a person's configuration. */
const DEADLINE = 10_000;

/**
 * Where and as whom to connect: what `ssh -G` says of the node's host, with the inventory's values before it.
 * Without an installed `ssh` the inventory's values and OpenSSH's defaults (port 22, the own user) are all there is.
 * @throws ConnectError when `ssh` refuses its configuration or the host name.
 */
export async function resolveSsh(node: NodeAccess): Promise<ResolvedSsh> {
  const alias = node.host ?? node.name;
  const options = await sshOptions(node, alias);
  const host = first(options, "hostname") ?? alias;
  const port = node.port ?? Number(first(options, "port") ?? 22);
  const user = node.user ?? first(options, "user") ?? userInfo().username;
  const tokens: Tokens = {
    d: homedir(),
    h: host,
    n: alias,
    p: String(port),
    r: user,
    u: userInfo().username,
  };
  return {
    host,
    port,
    user,
    identityFiles: node.key === undefined ? identityFiles(options, tokens) : [expandPath(node.key, tokens)],
    agent: agent(first(options, "identityagent"), tokens),
    identitiesOnly: first(options, "identitiesonly") === "yes",
    proxyCommand: proxyCommand(node, options, tokens),
  };
}

async function sshOptions(node: NodeAccess, alias: string): Promise<SshOptions> {
  const given = [
    ...(node.port === undefined ? [] : ["-p", String(node.port)]),
    ...(node.user === undefined ? [] : ["-l", node.user]),
  ];
  // `-T`: with it, ssh does not warn that there is no terminal.
  const result = await run("ssh", ["-T", "-G", ...given, "--", alias]);
  if (result === "not installed") return new Map();
  if (result.failed) {
    throw new ConnectError(
      `ssh does not accept its configuration for host "${alias}": ${result.stderr.trim()}`,
      {
        target: node.name,
        hint: `run \`ssh -G ${quote(alias)}\` and mend ~/.ssh/config or the node's \`host\` in the inventory`,
      },
    );
  }
  return parse(result.stdout);
}

interface Result {
  readonly failed: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, args: readonly string[]): Promise<Result | "not installed"> {
  return new Promise((resolve) => {
    const child = execFile(file, args, { timeout: DEADLINE }, (error, stdout, stderr) => {
      if (error?.code === "ENOENT") resolve("not installed");
      else
        resolve({ failed: error !== null, stdout, stderr: stderr === "" ? (error?.message ?? "") : stderr });
    });
    child.stdin?.end();
  });
}

function parse(output: string): SshOptions {
  const options = new Map<string, string[]>();
  for (const line of output.split("\n")) {
    const space = line.indexOf(" ");
    if (space < 0) continue;
    const key = line.slice(0, space);
    options.set(key, [...(options.get(key) ?? []), line.slice(space + 1).trim()]);
  }
  return options;
}

function first(options: SshOptions, key: string): string | undefined {
  const value = options.get(key)?.[0];
  return value === "" ? undefined : value;
}

/** The percent tokens of ssh_config(5) that this file expands: `ssh -G` prints them as they were written. */
type Tokens = Readonly<Record<"d" | "h" | "n" | "p" | "r" | "u", string>>;

function expandTokens(text: string, tokens: Tokens): string {
  return text.replace(/%([%dhnpru])/g, (_, token: "%" | keyof Tokens) =>
    token === "%" ? "%" : tokens[token],
  );
}

function expandPath(path: string, tokens: Tokens): string {
  const home = path === "~" || path.startsWith("~/") ? homedir() + path.slice(1) : path;
  const variables = home.replace(/\$\{(\w+)\}/g, (whole, name: string) => process.env[name] ?? whole);
  return expandTokens(variables, tokens);
}

function identityFiles(options: SshOptions, tokens: Tokens): readonly string[] {
  return (options.get("identityfile") ?? [])
    .filter((path) => path !== "none")
    .map((path) => expandPath(path, tokens))
    .filter((path) => existsSync(path));
}

function agent(configured: string | undefined, tokens: Tokens): string | undefined {
  if (configured === "none") return undefined;
  if (configured === undefined || configured === "SSH_AUTH_SOCK")
    return process.env.SSH_AUTH_SOCK || undefined;
  // ssh_config(5): a value that starts with a dollar sign is the name of an environment variable.
  const variable = /^\$(\w+)$/.exec(configured)?.[1];
  return variable === undefined ? expandPath(configured, tokens) : process.env[variable] || undefined;
}

function proxyCommand(node: NodeAccess, options: SshOptions, tokens: Tokens): string | undefined {
  const jumps = first(options, "proxyjump");
  if (jumps !== undefined && jumps !== "none") return jumpCommand(jumps, tokens);
  const command = first(options, "proxycommand");
  if (command === undefined || command === "none") return undefined;
  for (const value of [tokens.h, tokens.n, tokens.r]) refuseUnsafe(node, value);
  // OpenSSH runs it by `exec`, so that the command's process is the one that a signal reaches.
  return `exec ${expandTokens(command, tokens)}`;
}

/** As OpenSSH does it itself: the last jump is asked to forward (`-W`), and reaches itself through the others (`-J`). */
function jumpCommand(jumps: string, tokens: Tokens): string {
  const all = jumps.split(",");
  const last = all.at(-1) ?? jumps;
  const others = all.slice(0, -1).join(",");
  const through = others === "" ? "" : ` -J ${quote(others)}`;
  const destination = last.startsWith("ssh://") ? last : `ssh://${last}`;
  return `exec ssh${through} -W ${quote(`[${tokens.h}]:${tokens.p}`)} -- ${quote(destination)}`;
}

/** A person's ProxyCommand may have its own quotes around a token, so tokens cannot be quoted: they must need none. */
function refuseUnsafe(node: NodeAccess, value: string): void {
  if (/^[A-Za-z0-9_.:%@+][A-Za-z0-9_.:%@+-]*$/.test(value)) return;
  throw new ConnectError(`"${value}" cannot be put into the ProxyCommand of ~/.ssh/config`, {
    target: node.name,
    hint: "use a host and user of letters, digits and . _ - only",
  });
}
