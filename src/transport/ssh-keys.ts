import { readFile } from "node:fs/promises";
import type { AnyAuthMethod, BaseAgent, ParsedKey } from "ssh2";
import { ConnectError, messageOf } from "../errors.ts";
import { quote } from "../shell.ts";
import type { ResolvedSsh } from "./ssh-config.ts";
import type { NodeAccess } from "./transport.ts";

type Ssh2 = typeof import("ssh2");

/** How to prove who we are, in the order to try. */
export interface Credentials {
  readonly methods: readonly AnyAuthMethod[];
  /** The same for people: `key /root/.ssh/id_ed25519`, `agent /run/agent.sock`. */
  readonly offered: readonly string[];
  /** Keys that exist and cannot be used, and why. */
  readonly skipped: readonly string[];
}

interface UnusableKey {
  readonly path: string;
  readonly problem: string;
  readonly encrypted: boolean;
}

type KeyFile = { readonly path: string; readonly key: ParsedKey } | UnusableKey;

/**
 * The keys for a node: the inventory's, which must work, else the usable ones of ssh's configuration; then the agent.
 * @throws ConnectError when the inventory's key cannot be read or needs a passphrase.
 */
export async function readCredentials(
  ssh2: Ssh2,
  node: NodeAccess,
  access: ResolvedSsh,
): Promise<Credentials> {
  const files = await Promise.all(access.identityFiles.map((path) => readKey(ssh2, path)));
  const required = node.key === undefined ? undefined : files.find((file) => "problem" in file);
  if (required !== undefined && "problem" in required) throw unusable(node, required);

  const username = access.user;
  const usable = files.filter((file) => "key" in file);
  const agent = access.agent === undefined ? undefined : await agentOf(ssh2, access.agent, access);
  return {
    methods: [
      // Free with OpenSSH (not counted by MaxAuthTries), and the only method of a Tailscale node.
      { type: "none", username },
      ...usable.map(({ key }): AnyAuthMethod => ({ type: "publickey", username, key })),
      ...(agent === undefined ? [] : [{ type: "agent", username, agent } as const]),
    ],
    offered: [
      ...usable.map(({ path }) => `key ${path}`),
      ...(access.agent === undefined ? [] : [`agent ${access.agent}`]),
    ],
    skipped: files.flatMap((file) => ("problem" in file ? [`${file.path} (${file.problem})`] : [])),
  };
}

async function readKey(ssh2: Ssh2, path: string): Promise<KeyFile> {
  let text: Buffer;
  try {
    text = await readFile(path);
  } catch (error) {
    return { path, problem: messageOf(error), encrypted: false };
  }
  const parsed = ssh2.utils.parseKey(text);
  if (parsed instanceof Error) {
    const encrypted = /passphrase/i.test(parsed.message);
    return { path, problem: encrypted ? "it needs a passphrase" : parsed.message, encrypted };
  }
  // A file may hold more than one key; OpenSSH writes one.
  const key = [parsed].flat()[0];
  if (key === undefined || !key.isPrivateKey())
    return { path, problem: "it is not a private key", encrypted: false };
  return { path, key };
}

function unusable(node: NodeAccess, file: UnusableKey): ConnectError {
  return new ConnectError(`the inventory's key ${file.path} cannot be used: ${file.problem}`, {
    target: node.name,
    hint: file.encrypted
      ? `run \`ssh-add ${quote(file.path)}\` and take \`key\` out of the inventory: then the agent's keys are used`
      : "correct the node's `key` in the inventory, or leave it out to use ~/.ssh/config and the agent",
  });
}

/** The agent; with IdentitiesOnly, of its keys only those of the identity files (or of their `.pub` files). */
async function agentOf(ssh2: Ssh2, socket: string, access: ResolvedSsh): Promise<BaseAgent> {
  const agent = ssh2.createAgent(socket);
  if (!access.identitiesOnly) return agent;
  const allowed = await publicKeys(ssh2, access.identityFiles);
  const getIdentities = agent.getIdentities.bind(agent);
  agent.getIdentities = (callback) =>
    getIdentities((error, keys) => {
      if (error) return callback(error);
      callback(
        null,
        (keys ?? []).filter((key) => allowed.has(publicPart(ssh2, unwrap(key)))),
      );
    });
  return agent;
}

async function publicKeys(ssh2: Ssh2, paths: readonly string[]): Promise<ReadonlySet<string>> {
  const texts = await Promise.all(
    paths.flatMap((path) => [path, `${path}.pub`]).map((path) => readFile(path).catch(() => undefined)),
  );
  return new Set(texts.filter((text) => text !== undefined).map((text) => publicPart(ssh2, text)));
}

type AgentKey = NonNullable<Parameters<Parameters<BaseAgent["getIdentities"]>[0]>[1]>[number];
type PublicKey = Parameters<Ssh2["utils"]["parseKey"]>[0];

/** An agent may wrap its keys, to comment on them. */
function unwrap(key: AgentKey): PublicKey {
  if (typeof key === "string" || Buffer.isBuffer(key) || !("pubKey" in key)) return key;
  return "pubKey" in key.pubKey ? key.pubKey.pubKey : key.pubKey;
}

function publicPart(ssh2: Ssh2, key: PublicKey): string {
  const parsed = ssh2.utils.parseKey(key);
  if (parsed instanceof Error) return "";
  return [parsed].flat()[0]?.getPublicSSH().toString("base64") ?? "";
}
