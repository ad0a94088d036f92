import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a port of this machine that can be cut. */
export interface Way {
  readonly port: number;
  /** Cuts every connection that goes through it, as a firewall does that forgets them: both ends get a reset. */
  cut(): void;
  /** False: whoever comes is turned away until it is true again. */
  open: boolean;
  close(): Promise<void>;
}

/** @param target A port of 127.0.0.1. */
export async function wayTo(target: number): Promise<Way> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  };
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const way = { open: true };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    keep(near);
    if (!way.open) return near.resetAndDestroy();
    const far = connect({ host: "127.0.0.1", port: target, allowHalfOpen: true, noDelay: true });
    keep(far);
    near.pipe(far).pipe(near);
    near.once("close", () => far.destroy());
    far.once("close", () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(way, {
    port: (server.address() as AddressInfo).port,
    cut,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  });
}
