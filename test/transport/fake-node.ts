import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2, { type AuthContext, type Connection, type ServerChannel } from "ssh2";
import type { NodeAccess } from "../../src/transport/transport.ts";

export interface FakeExec {
  readonly command: string;
  readonly channel: ServerChannel;
  /** What the command would print first. */
  readonly marker: string;
  /** Cuts the connection under everything that uses it. */
  cut(): void;
}

/** What a fake node does instead of what an ssh server does. Everything may be changed while it runs. */
export interface Faults {
  exec: (exec: FakeExec) => void;
  /** Whether a session is opened; `undefined`: never answered. */
  session: () => boolean | undefined;
  authenticate: (context: AuthContext) => boolean;
}

export interface FakeNode {
  readonly access: NodeAccess;
  readonly faults: Faults;
  /** How many connections were made. */
  connections(): number;
  /** How many sessions are open at this moment. */
  sessions(): number;
  close(): Promise<void>;
}

type KeyType = "ed25519" | "ecdsa" | "rsa";

export interface Key {
  readonly private: string;
  readonly public: string;
}

/** A new key pair, made by OpenSSH: one in a few hundred that ssh2 makes is malformed. */
export function newKey(type: KeyType, passphrase = ""): Key {
  const folder = mkdtempSync(join(tmpdir(), "key-"));
  try {
    const file = join(folder, "id");
    execFileSync("ssh-keygen", ["-q", "-t", type, "-N", passphrase, "-C", "test", "-f", file]);
    return { private: readFileSync(file, "utf8"), public: readFileSync(`${file}.pub`, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An ssh server in this process, on a loopback port, which runs commands in real shells unless told to fail. */
export async function startFakeNode(
  hostKeys: readonly string[] = [newKey("ed25519").private],
): Promise<FakeNode> {
  const folder = mkdtempSync(join(tmpdir(), "fake-node-"));
  const clientKey = newKey("ed25519");
  const keyFile = join(folder, "id");
  writeFileSync(keyFile, clientKey.private, { mode: 0o600 });
  const allowed = ssh2.utils.parseKey(clientKey.public);
  if (allowed instanceof Error) throw allowed;

  const faults: Faults = {
    exec: ({ command, channel }) => runReally(command, channel),
    session: () => true,
    authenticate: (context) =>
      context.method === "publickey" && context.key.data.equals(allowed.getPublicSSH()),
  };
  const sockets = new Set<Socket>();
  let connections = 0;
  let sessions = 0;

  const server = new ssh2.Server({ hostKeys: [...hostKeys] }, () => undefined);
  const serve = (connection: Connection, socket: Socket): void => {
    connection.on("error", () => undefined);
    connection.on("authentication", (context) =>
      faults.authenticate(context) ? context.accept() : context.reject(["publickey"]),
    );
    connection.on("session", (accept, reject) => {
      const verdict = faults.session();
      if (verdict === undefined) return;
      if (!verdict) return reject();
      const session = accept();
      sessions += 1;
      session.on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        channel.on("error", () => undefined);
        channel.once("close", () => {
          sessions -= 1;
        });
        faults.exec({ command, channel, marker: markerOf(command), cut: () => socket.destroy() });
      });
    });
  };
  const listener = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    server.once("connection", (connection) => serve(connection, socket));
    server.injectSocket(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));

  return {
    access: {
      name: "fake",
      host: "127.0.0.1",
      port: (listener.address() as AddressInfo).port,
      user: "root",
      key: keyFile,
    },
    faults,
    connections: () => connections,
    sessions: () => sessions,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}

function markerOf(command: string): string {
  return (/ sh '([0-9a-f]+)' '([0-9a-f]+)' /.exec(command) ?? []).slice(1).join("");
}

/** As sshd does it: the login shell gets the command, and its end is told by code or by signal. */
export function runReally(command: string, channel: ServerChannel): void {
  const child = spawn("/bin/sh", ["-c", command]);
  channel.pipe(child.stdin);
  child.stdin.on("error", () => undefined);
  child.stdout.on("data", (chunk) => channel.write(chunk));
  child.stderr.on("data", (chunk) => channel.stderr.write(chunk));
  channel.once("close", () => child.kill("SIGKILL"));
  child.once("close", (code, signal) => {
    if (signal === null) channel.exit(code ?? 0);
    else channel.exit(signal.replace(/^SIG/, ""), false, "");
    channel.end();
  });
}
