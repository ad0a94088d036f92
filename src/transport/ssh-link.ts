import { createHash } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { AnyAuthMethod, Client, ServerHostKeyAlgorithm } from "ssh2";
import { newGone } from "./gone.ts";
import { startProxy } from "./proxy.ts";
import type { ResolvedSsh } from "./ssh-config.ts";
import type { Attempt } from "./within.ts";

type Ssh2 = typeof import("ssh2");

/**
 * Host key algorithms in the order in which they are asked for. It never changes, so that a node which has several
 * keys always shows the same one.
 */
export const HOST_KEY_FAMILIES: readonly (readonly ServerHostKeyAlgorithm[])[] = [
  ["ssh-ed25519"],
  ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"],
  ["rsa-sha2-512", "rsa-sha2-256"],
];

const KEEPALIVE_INTERVAL = 15_000;
const KEEPALIVE_MISSED = 4;

/** An authenticated ssh connection. */
export interface Link {
  readonly client: Client;
  /** `SHA256:<base64>`. */
  readonly hostKey: string;
  /** Aborted when the connection is gone, with a person's words as its reason. */
  readonly gone: AbortSignal;
  /** Says goodbye, or hangs up when that is not answered. Open sessions end as lost. */
  close(): Promise<void>;
}

export interface LinkOptions {
  readonly access: ResolvedSsh;
  readonly methods: readonly AnyAuthMethod[];
  readonly algorithms: readonly ServerHostKeyAlgorithm[];
  /** The only fingerprint to go on with. `undefined`: any. */
  readonly hostKey: string | undefined;
}

/** Why there is no link, as ssh2 or the system said it. */
export interface LinkFailure {
  readonly error: Error;
  /** The host key that was shown, if it came so far. */
  readonly hostKey: string | undefined;
  /** What failed: the way to the server, its side of the handshake, or our keys. */
  readonly phase: "network" | "handshake" | "authentication";
  /** What a ProxyCommand complained of, and what an agent did. */
  readonly complaints: readonly string[];
}

/** The fingerprint of a host key as `ssh-keygen -l` prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** Connects and authenticates once. Never throws: a failure is given back to be explained. */
export function openLink(
  ssh2: Ssh2,
  options: LinkOptions,
  attempt: Attempt,
): Promise<{ readonly link: Link } | { readonly failure: LinkFailure }> {
  const { access } = options;
  const client = new ssh2.Client();
  const proxy = access.proxyCommand === undefined ? undefined : startProxy(access.proxyCommand);
  const socket = proxy?.socket ?? dial(access);
  const gone = newGone();
  const agentErrors: string[] = [];
  let phase: LinkFailure["phase"] = "network";
  let hostKey: string | undefined;
  let lastError: Error | undefined;

  return new Promise((resolve) => {
    const fail = (error: Error): void => {
      attempt.signal.removeEventListener("abort", hangUp);
      socket.destroy();
      const complaint = proxy?.complaint() ?? "";
      const complaints = [...(complaint === "" ? [] : [complaint]), ...agentErrors];
      resolve({ failure: { error, hostKey, phase, complaints } });
    };
    const hangUp = (): void => fail(new Error("time is up"));

    attempt.signal.addEventListener("abort", hangUp, { once: true });
    client.on("error", (error: Error & { level?: string }) => {
      // ssh2 goes on with the next method when an agent does not answer.
      if (error.level === "agent") return void agentErrors.push(`agent: ${error.message}`);
      lastError ??= error;
      fail(lastError);
    });
    client.on("close", () => {
      const error = lastError ?? new Error("the connection was closed");
      gone.abort(`the connection to the node is gone: ${error.message}`);
      fail(error);
    });
    client.on("connect", () => {
      phase = "handshake";
      attempt.stage(`waiting for the ssh server at ${access.host}:${access.port} to introduce itself`);
    });
    client.on("handshake", () => {
      phase = "authentication";
      attempt.stage(`proving who we are to ${access.user}@${access.host}:${access.port}`);
    });
    client.on("ready", () => {
      attempt.signal.removeEventListener("abort", hangUp);
      resolve({
        link: {
          client,
          hostKey: hostKey ?? "",
          gone: gone.signal,
          close: () => closeLink(client, socket, gone),
        },
      });
    });

    if (attempt.signal.aborted) {
      hangUp();
      return;
    }
    attempt.stage(`reaching ${access.host}:${access.port}`);
    client.connect({
      sock: socket,
      username: access.user,
      // ssh2's own deadline covers only a part of the way.
      readyTimeout: 0,
      keepaliveInterval: KEEPALIVE_INTERVAL,
      keepaliveCountMax: KEEPALIVE_MISSED,
      agentForward: false,
      algorithms: { serverHostKey: [...options.algorithms] },
      authHandler: [...options.methods],
      hostVerifier: (key: Buffer) => {
        hostKey = fingerprint(key);
        return options.hostKey === undefined || options.hostKey === hostKey;
      },
    });
  });
}

function dial(access: ResolvedSsh): Socket {
  return connectTcp({
    host: access.host,
    port: access.port,
    noDelay: true,
    // Node gives up on one address after 250 ms to try the next, which a node with added latency never answers in.
    autoSelectFamilyAttemptTimeout: 5_000,
  });
}

const GOODBYE = 1_000;

function closeLink(client: Client, socket: Duplex, gone: AbortController): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) return resolve();
    gone.abort("the connection was closed");
    const hangUp = setTimeout(() => socket.destroy(), GOODBYE);
    socket.once("close", () => {
      clearTimeout(hangUp);
      resolve();
    });
    client.end();
  });
}
