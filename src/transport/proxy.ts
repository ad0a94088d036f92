import { spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { killGroup } from "./child.ts";
import { lastLine } from "./drive.ts";

/** A ProxyCommand that runs: its standard input and output are the connection. */
export interface Proxy {
  readonly socket: Duplex;
  /** The last line that the command wrote to standard error. */
  complaint(): string;
}

const COMPLAINT_LIMIT = 64 * 1024;

/** Starts a ProxyCommand. It is killed, with all that it started, when the socket is destroyed. */
export function startProxy(command: string): Proxy {
  const child = spawn("/bin/sh", ["-c", command], { detached: true, stdio: "pipe" });
  let said = "";
  const socket = new Duplex({
    read: () => child.stdout.resume(),
    write: (chunk, _encoding, done) => child.stdin.write(chunk, () => done()),
    final: (done) => child.stdin.end(() => done()),
    destroy: (error, done) => {
      if (child.exitCode === null && child.signalCode === null) killGroup(child.pid);
      done(error);
    },
  });
  child.stdout.on("data", (chunk: Buffer) => {
    if (!socket.push(chunk)) child.stdout.pause();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString("utf8")).slice(-COMPLAINT_LIMIT);
  });
  child.stdin.on("error", () => undefined);
  child.once("error", (error) => socket.destroy(error));
  child.once("close", () => {
    socket.push(null);
    socket.destroy();
  });
  return { socket, complaint: () => lastLine(said) };
}
