import { createServer, Socket } from "node:net";

/** A port of 127.0.0.1 that leads to another one as if that were far away. */
export interface FarPort {
  readonly port: number;
  close(): void;
}

/** Does what it is given so many milliseconds later, in the order in which it was given. */
function line(delay: () => number): (work: () => void) => void {
  const queue: (() => void)[] = [];
  return (work) => {
    queue.push(work);
    setTimeout(() => queue.shift()?.(), delay());
  };
}

/** Passes on what comes, whole and in its order: it is distance, not a narrow or a bad line. */
function passOn(from: Socket, to: Socket, later: (work: () => void) => void): void {
  from.on("data", (chunk) => later(() => to.write(chunk)));
  from.on("end", () => later(() => to.end()));
  from.on("close", () => later(() => to.destroy()));
  from.on("error", () => {});
}

/**
 * Opens such a port. The connection is taken at once, so the round trip of TCP's own handshake is made up for: the
 * client's first byte leaves one round trip later, and the server sees the connection half a round trip after that.
 * @param roundTrip Milliseconds.
 */
export async function farPort(target: number, roundTrip: number): Promise<FarPort> {
  const half = roundTrip / 2;
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const connected = performance.now() + roundTrip;
    const node = new Socket({ allowHalfOpen: true });
    for (const socket of [client, node]) {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    }
    const there = line(() => Math.max(0, connected - performance.now()) + half);
    there(() => node.connect({ host: "127.0.0.1", port: target }).setNoDelay());
    passOn(client, node, there);
    passOn(
      node,
      client,
      line(() => half),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
