import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, it } from "vitest";
import { farPort } from "../../bench/delay.ts";

it("what goes to a far port and back takes its round trips, and comes whole and in its order", async () => {
  const server = createServer((socket) => {
    socket.write("hello\n");
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const far = await farPort(typeof address === "object" ? (address?.port ?? 0) : 0, 100);
  try {
    const began = performance.now();
    const client = connect(far.port, "127.0.0.1");
    client.setEncoding("utf8");
    const words = Array.from({ length: 200 }, (_, index) => `${index}\n`);
    for (const word of words) client.write(word);
    client.end();
    let heard = "";
    let greeted = 0;
    client.on("data", (text: string) => {
      if (heard === "") greeted = performance.now() - began;
      heard += text;
    });
    await once(client, "close");
    // TCP's own handshake is one round trip; the greeting needs half a round trip to be asked for, and half to come.
    expect(greeted).toBeGreaterThanOrEqual(195);
    expect(heard).toBe(`hello\n${words.join("")}`);
  } finally {
    far.close();
    server.close();
  }
});
