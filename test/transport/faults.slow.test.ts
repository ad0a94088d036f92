import { createHash } from "node:crypto";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2 from "ssh2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConnectError } from "../../src/errors.ts";
import { connect } from "../../src/transport/connect.ts";
import { fingerprint } from "../../src/transport/ssh-link.ts";
import type { Connection, ConnectOptions, NodeAccess, Outcome } from "../../src/transport/transport.ts";
import { type FakeNode, newKey, startFakeNode } from "./fake-node.ts";

let node: FakeNode;
let opened: Connection[];

beforeEach(async () => {
  node = await startFakeNode();
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((connection) => connection.close()));
  await node.close();
});

async function open(
  access: NodeAccess = node.access,
  options: Partial<ConnectOptions> = {},
): Promise<Connection> {
  const connection = await connect(access, { hostKey: undefined, ...options });
  opened.push(connection);
  return connection;
}

async function refusal(access: NodeAccess, options: Partial<ConnectOptions> = {}): Promise<ConnectError> {
  try {
    await open(access, options);
  } catch (error) {
    expect(error).toBeInstanceOf(ConnectError);
    if (error instanceof ConnectError) {
      expect(error.target).toBe(access.name);
      expect(error.hint).toBeTruthy();
      return error;
    }
  }
  throw new Error("connected");
}

/** Sees to it that an outcome comes at all: a test that waits for one for ever says nothing. */
async function soon(outcome: Promise<Outcome>, limit = 10_000): Promise<Outcome> {
  const timer = new AbortController();
  const late = sleep(limit, undefined, { signal: timer.signal }).then(() => {
    throw new Error("no outcome");
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([outcome, late]);
  } finally {
    timer.abort();
  }
}

const deadline = 8_000;

describe("a script's end", () => {
  test("a connection that is cut in its middle is lost, with what was printed", async () => {
    const connection = await open();
    node.faults.exec = ({ channel, marker, cut }) => {
      channel.write(`${marker}half`);
      setTimeout(cut, 100);
    };
    expect(await soon(connection.run("x", { deadline }))).toMatchObject({
      kind: "unknown",
      reason: "lost",
      stdout: "half",
    });
  });

  test("no exit status is no outcome", async () => {
    const connection = await open();
    node.faults.exec = ({ channel, marker }) => {
      channel.write(`${marker}all`);
      channel.end();
    };
    expect(await soon(connection.run("x", { deadline }))).toMatchObject({
      kind: "unknown",
      reason: "lost",
      detail: "the connection ended without an exit code",
      stdout: "all",
    });
  });

  test("a signal is no outcome", async () => {
    const connection = await open();
    node.faults.exec = ({ channel, marker }) => {
      channel.write(marker);
      channel.exit("KILL", false, "");
      channel.end();
    };
    expect(await soon(connection.run("x", { deadline }))).toMatchObject({
      kind: "unknown",
      reason: "signal",
      detail: "the shell was killed by SIGKILL",
    });
  });

  test.each([0, 1, 127])("exit code %i of something that is not our shell is no outcome", async (code) => {
    const connection = await open();
    node.faults.exec = ({ channel }) => {
      channel.write("Welcome.\n");
      channel.stderr.write("sudo: a password is required\n");
      channel.exit(code);
      channel.end();
    };
    expect(await soon(connection.run("x", { deadline }))).toMatchObject({
      kind: "unknown",
      reason: "lost",
      detail: `no root shell was started (exit code ${code}): sudo: a password is required`,
    });
  });

  test("the marker counts in whatever pieces it arrives, and what came before it is cut off", async () => {
    const connection = await open();
    node.faults.exec = async ({ channel, marker }) => {
      for (const letter of `noise ${marker}ok`) {
        channel.write(letter);
        await sleep(1);
      }
      channel.exit(0);
      channel.end();
    };
    expect(await soon(connection.run("x", { deadline }))).toEqual({
      kind: "exited",
      code: 0,
      stdout: "ok",
      stderr: "",
    });
  });

  test("standard error that arrives last is not lost", async () => {
    const connection = await open();
    node.faults.exec = ({ channel, marker }) => {
      channel.write(marker);
      channel.stderr.write("e".repeat(1_000_000));
      channel.exit(3);
      channel.end();
    };
    const outcome = await soon(connection.run("x", { deadline }));
    expect(outcome).toMatchObject({ kind: "exited", code: 3 });
    expect(outcome.stderr.length).toBe(1_000_000);
  });

  test("an exit code counts although something keeps the output open", async () => {
    const connection = await open();
    node.faults.exec = ({ channel, marker }) => {
      channel.resume();
      channel.write(`${marker}done`);
      channel.exit(7);
    };
    expect(await soon(connection.run("x", { deadline: 20_000 }), 15_000)).toMatchObject({
      kind: "exited",
      code: 7,
      stdout: "done",
    });
    await expect.poll(() => node.sessions()).toBe(0);
  });

  test("an exit code that is known when the deadline comes counts", async () => {
    const connection = await open();
    node.faults.exec = ({ channel, marker }) => {
      channel.write(marker);
      channel.exit(7);
    };
    expect(await soon(connection.run("x", { deadline: 500 }))).toMatchObject({ kind: "exited", code: 7 });
  });

  test("the deadline closes the session", async () => {
    const connection = await open();
    const start = performance.now();
    expect(await soon(connection.run("echo begun; sleep 60", { deadline: 300 }))).toEqual({
      kind: "unknown",
      reason: "deadline",
      detail: "no end within 0.3 s",
      stdout: "begun\n",
      stderr: "",
    });
    expect(performance.now() - start).toBeLessThan(1_500);
    await expect.poll(() => node.sessions()).toBe(0);
    expect(await connection.run("echo again", { deadline })).toMatchObject({ code: 0, stdout: "again\n" });
  });
});

describe("sessions", () => {
  test("a refused one is asked for again", async () => {
    const connection = await open();
    let refusals = 3;
    node.faults.session = () => {
      refusals -= 1;
      return refusals < 0;
    };
    expect(await soon(connection.run("echo at last", { deadline }))).toMatchObject({ stdout: "at last\n" });
    expect(refusals).toBe(-1);
  });

  test("one that is refused again and again is given up, and the place is free", async () => {
    const connection = await open();
    node.faults.session = () => false;
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => soon(connection.run("x", { deadline: 20_000 }), 15_000)),
    );
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({
        kind: "unknown",
        reason: "lost",
        detail: expect.stringContaining("refuses another session"),
      });
    node.faults.session = () => true;
    expect(await soon(connection.run("echo ok", { deadline }))).toMatchObject({ code: 0 });
  });

  test("refusals do not outlast the deadline", async () => {
    const connection = await open();
    node.faults.session = () => false;
    const start = performance.now();
    expect(await soon(connection.run("x", { deadline: 400 }))).toMatchObject({ kind: "unknown" });
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  test("one that is never opened ends at the deadline", async () => {
    const connection = await open();
    node.faults.session = () => undefined;
    expect(await soon(connection.run("x", { deadline: 300 }))).toMatchObject({
      kind: "unknown",
      reason: "deadline",
      detail: "no session was opened within 0.3 s",
    });
  });

  test("never more than six at a time", async () => {
    const connection = await open();
    let most = 0;
    const really = node.faults.exec;
    node.faults.exec = (exec) => {
      most = Math.max(most, node.sessions());
      really(exec);
    };
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => connection.run(`sleep 0.1; echo ${index}`, { deadline })),
    );
    expect(outcomes.map((outcome) => outcome.stdout)).toEqual(Array.from({ length: 20 }, (_, i) => `${i}\n`));
    expect(most).toBe(6);
    expect(node.connections()).toBe(1);
  });

  test("a cut settles the running, the waiting and the later ones", async () => {
    const connection = await open();
    node.faults.exec = ({ cut }) => void setTimeout(cut, 100);
    const running = Array.from({ length: 10 }, () => connection.run("x", { deadline: 60_000 }));
    for (const run of running)
      expect(await soon(run)).toMatchObject({
        kind: "unknown",
        reason: "lost",
        detail: expect.stringContaining("connection to the node is gone"),
      });
    const start = performance.now();
    expect(await connection.run("x", { deadline })).toMatchObject({ kind: "unknown", reason: "lost" });
    expect(performance.now() - start).toBeLessThan(50);
  });
});

describe("back-pressure", () => {
  test("a node that reads slowly gets all of a big script, and no more at a time than it asked for", async () => {
    const connection = await open();
    const script = `: ${"x".repeat(20_000_000)}\n`;
    let early = 0;
    node.faults.exec = async ({ channel, marker }) => {
      channel.write(marker);
      await sleep(500);
      early = channel.readableLength;
      const hash = createHash("sha256");
      channel.on("data", (chunk: Buffer) => {
        hash.update(chunk);
        channel.pause();
        setTimeout(() => channel.resume(), 1);
      });
      channel.once("end", () => {
        channel.write(hash.digest("hex"));
        channel.exit(0);
        channel.end();
      });
    };
    const outcome = await soon(connection.run(script, { deadline: 50_000 }), 50_000);
    expect(outcome).toMatchObject({
      code: 0,
      stdout: createHash("sha256").update(script).digest("hex"),
    });
    expect(early).toBeGreaterThan(0);
    expect(early).toBeLessThanOrEqual(4 * 1024 * 1024);
  });

  test("a shell that ends without reading its script is no error", async () => {
    const connection = await open();
    expect(await soon(connection.run(`exit 4\n: ${"x".repeat(5_000_000)}\n`, { deadline }))).toMatchObject({
      kind: "exited",
      code: 4,
    });
  });
});

describe("close", () => {
  test("settles what runs, twice is as once, and nothing keeps the process alive", async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
    const connection = await connect(node.access, { hostKey: undefined });
    const running = connection.run("sleep 60", { deadline: 60_000 });
    await sleep(200);
    await Promise.all([connection.close(), connection.close()]);
    await connection.close();
    expect(await soon(running)).toMatchObject({ reason: "lost", detail: "the connection was closed" });
    expect(await connection.run("x", { deadline })).toMatchObject({ reason: "lost" });
    await expect
      .poll(() => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length)
      .toBe(before);
  });

  test("hangs up on a node that does not answer any more", async () => {
    const connection = await open();
    node.faults.exec = ({ channel }) => channel.pause();
    void connection.run("x", { deadline: 60_000 });
    const start = performance.now();
    await connection.close();
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});

describe("host keys", () => {
  const ed25519 = newKey("ed25519");
  const ecdsa = newKey("ecdsa");
  const rsa = newKey("rsa");
  const printed = (key: { readonly public: string }): string => {
    const parsed = ssh2.utils.parseKey(key.public);
    if (parsed instanceof Error) throw parsed;
    return fingerprint(parsed.getPublicSSH());
  };

  async function withKeys(keys: readonly { readonly private: string }[]): Promise<FakeNode> {
    await node.close();
    node = await startFakeNode(keys.map((key) => key.private));
    return node;
  }

  test.each([
    ["ed25519 of all three", [rsa, ecdsa, ed25519], ed25519],
    ["ecdsa before rsa", [rsa, ecdsa], ecdsa],
    ["rsa alone", [rsa], rsa],
  ])("the same one is shown each time: %s", async (_, keys, expected) => {
    await withKeys(keys);
    const connection = await open();
    expect(connection.hostKey).toBe(printed(expected));
    const again = await open(node.access, { hostKey: printed(expected) });
    expect(again.hostKey).toBe(printed(expected));
  });

  test("another key is refused, and nothing was sent that proves who we are", async () => {
    await withKeys([ed25519]);
    const enrolled = printed(newKey("ed25519"));
    let asked = 0;
    node.faults.authenticate = () => {
      asked += 1;
      return true;
    };
    const error = await refusal(node.access, { hostKey: enrolled });
    expect(error.message).toContain(printed(ed25519));
    expect(error.message).toContain(enrolled);
    expect(error.hint).toContain("kbreak inventory enrol --replace fake");
    expect(asked).toBe(0);
  });

  test("a node that got one more key is still the one that was enrolled", async () => {
    await withKeys([ed25519, ecdsa, rsa]);
    for (const enrolled of [ecdsa, rsa]) {
      const connection = await open(node.access, { hostKey: printed(enrolled) });
      expect(connection.hostKey).toBe(printed(enrolled));
      expect(await connection.run("echo ok", { deadline })).toMatchObject({ stdout: "ok\n" });
    }
  });
});

describe("no connection", () => {
  test("a name that does not resolve", async () => {
    const error = await refusal({ ...node.access, host: "no-such-node.invalid" });
    expect(error.message).toMatch(/host name "no-such-node\.invalid" cannot be resolved/);
  });

  test("a closed port", async () => {
    expect((await refusal({ ...node.access, port: 1 })).message).toMatch(
      /^127\.0\.0\.1:1 refuses connections/,
    );
  });

  test.each([
    ["says nothing", ""],
    ["introduces itself and says no more", "SSH-2.0-OpenSSH_10.0\r\n"],
  ])("a server that %s: the deadline covers it", async (_, greeting) => {
    await listening(
      (socket) => socket.write(greeting),
      async (port) => {
        const start = performance.now();
        const error = await refusal({ ...node.access, port }, { deadline: 700 });
        expect(performance.now() - start).toBeLessThan(2_000);
        expect(error.message).toMatch(/no connection within 0\.7 s: .*to introduce itself/);
      },
    );
  });

  test.each([
    ["hangs up at once", ""],
    ["is no ssh server", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["hangs up after its greeting", "SSH-2.0-OpenSSH_10.0\r\n"],
  ])("a server that %s", async (_, greeting) => {
    await listening(
      (socket) => socket.end(greeting),
      async (port) => {
        expect((await refusal({ ...node.access, port })).message).toMatch(
          /closed it during the ssh handshake/,
        );
      },
    );
  });

  test("a refused key says which one, for whom", async () => {
    node.faults.authenticate = () => false;
    const error = await refusal(node.access);
    expect(error.message).toMatch(/^root@127\.0\.0\.1:\d+ refuses us/);
    expect(error.message).toContain(`key ${node.access.key}`);
  });

  test("a server that never answers a key: the deadline covers it", async () => {
    node.faults.authenticate = () => {
      throw new Error("not called");
    };
    await node.close();
    node = await startFakeNode();
    const accept = node.faults.authenticate;
    let hang = true;
    node.faults.authenticate = (context) => {
      if (!hang) return accept(context);
      context.accept = () => undefined;
      context.reject = () => undefined;
      return true;
    };
    const error = await refusal(node.access, { deadline: 700 });
    expect(error.message).toMatch(/time ran out while proving who we are/);
    hang = false;
    await open();
  });

  test("a shell that does not start: no connection", async () => {
    node.faults.exec = ({ channel }) => {
      channel.write("This account is currently not available.\n");
      channel.exit(1);
      channel.end();
    };
    const error = await refusal(node.access);
    expect(error.message).toContain(
      "no root shell was started (exit code 1): This account is currently not available.",
    );
  });

  test("a shell that never answers: the deadline covers it", async () => {
    node.faults.exec = () => undefined;
    const start = performance.now();
    await refusal(node.access, { deadline: 700 });
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  async function listening(
    onConnection: (socket: import("node:net").Socket) => void,
    work: (port: number) => Promise<void>,
  ): Promise<void> {
    const sockets = new Set<import("node:net").Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.resume();
      onConnection(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    try {
      await work(typeof address === "object" && address !== null ? address.port : 0);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  }
});
