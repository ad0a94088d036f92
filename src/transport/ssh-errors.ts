import { ConnectError } from "../errors.ts";
import type { ResolvedSsh } from "./ssh-config.ts";
import type { Credentials } from "./ssh-keys.ts";
import type { LinkFailure } from "./ssh-link.ts";
import type { NodeAccess } from "./transport.ts";

/** A failure to connect as an error for people: what happened, where, and what to do. */
export function explain(
  node: NodeAccess,
  access: ResolvedSsh,
  credentials: Credentials,
  failure: LinkFailure,
): ConnectError {
  const { message, hint } = words(access, credentials, failure);
  const complaints = failure.complaints.length === 0 ? "" : ` (${failure.complaints.join("; ")})`;
  return new ConnectError(`${message}${complaints}`, { target: node.name, hint, cause: failure.error });
}

interface Words {
  readonly message: string;
  readonly hint: string;
}

function words(access: ResolvedSsh, credentials: Credentials, failure: LinkFailure): Words {
  const { error, phase } = failure;
  if (access.proxyCommand !== undefined && failure.hostKey === undefined && !isNegotiation(error)) {
    return {
      message: `no way to ${access.host}:${access.port} through \`${access.proxyCommand}\`: ${error.message}`,
      hint: "run that command yourself: it must print the ssh server's greeting (SSH-2.0-…)",
    };
  }
  if (phase === "network") return networkWords(access, error);
  if (phase === "authentication") return authenticationWords(access, credentials, error);
  return handshakeWords(access, error);
}

function networkWords(access: ResolvedSsh, error: Error): Words {
  const address = `${access.host}:${access.port}`;
  const code = "code" in error ? String(error.code) : error.message;
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_FAIL":
    case "EAI_NODATA":
      return {
        message: `the host name "${access.host}" cannot be resolved (${code})`,
        hint: "correct the node's `host` in the inventory, or give the address there",
      };
    case "ECONNREFUSED":
      return {
        message: `${address} refuses connections: nothing listens there, or a firewall rejects it`,
        hint: "check that the node is up, that its ssh server runs, and the node's `port` in the inventory",
      };
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
      return {
        message: `${address} cannot be reached (${code})`,
        hint: "check that the node is up and that this machine has a route to it (VPN, firewall)",
      };
    default:
      return {
        message: `no connection to ${address}: ${error.message || code}`,
        hint: "check the node's `host` and `port` in the inventory",
      };
  }
}

function handshakeWords(access: ResolvedSsh, error: Error): Words {
  const address = `${access.host}:${access.port}`;
  if (isNegotiation(error)) {
    return {
      message: `${address} and kbreak have no algorithm in common: ${error.message}`,
      hint: `let the system's ssh do it: set the node's \`command\` to \`ssh -p ${access.port} ${access.user}@{host} sh -s\``,
    };
  }
  return {
    message: `${address} accepted the connection, but closed it during the ssh handshake: ${error.message}`,
    hint: "check that it is an ssh server, and its log: it may be overloaded (MaxStartups) or block this machine",
  };
}

function isNegotiation(error: Error): boolean {
  return /no matching/.test(error.message);
}

function authenticationWords(access: ResolvedSsh, credentials: Credentials, error: Error): Words {
  const who = `${access.user}@${access.host}:${access.port}`;
  const offered = credentials.offered.length === 0 ? "there is no key" : credentials.offered.join(", ");
  const skipped = credentials.skipped.length === 0 ? "" : `; not used: ${credentials.skipped.join(", ")}`;
  if (/too many authentication failures/i.test(error.message)) {
    return {
      message: `${who} hung up after too many keys (offered: ${offered}${skipped})`,
      hint: "name the right one as the node's `key` in the inventory",
    };
  }
  const why = /^All configured/.test(error.message) ? "" : `: ${error.message}`;
  return {
    message: `${who} refuses us${why} (offered: ${offered}${skipped})`,
    hint: `try \`ssh -p ${access.port} ${access.user}@${access.host}\`; set the node's \`user\` and \`key\` in the inventory, or load the key with ssh-add`,
  };
}
