import type { Identity } from "../inventory/types.ts";
import type { Shell } from "../shell.ts";
import type { Connection, NodeAccess } from "../transport/transport.ts";
import type { Context } from "./context.ts";
import { type Frame, runScript, UnknownOutcomeError } from "./script.ts";

/** One node that kbreak is at work on. */
export interface Session {
  readonly name: string;
  readonly identity: Identity;
  /** Runs a script there. @throws what {@link runScript} throws. */
  run(body: Shell, deadline?: number): Promise<readonly Frame[]>;
  /** A read, which may be done again: tried once more over a new connection when its outcome is unknown. */
  read(body: Shell, deadline?: number): Promise<readonly Frame[]>;
  close(): Promise<void>;
}

/** Milliseconds that a script may take: filling etcd on a slow disk is the longest. */
const DEADLINE = 300_000;

/**
 * Connects to a node that was enrolled with `identity`.
 * @throws ConnectError
 */
export async function openSession(
  access: NodeAccess,
  identity: Identity,
  context: Pick<Context, "connect">,
): Promise<Session> {
  const open = () => context.connect(access, { hostKey: identity.hostKey });
  let connection: Connection = await open();
  const options = (deadline: number) => ({ machineId: identity.machineId, deadline });
  return {
    name: access.name,
    identity,
    run: (body, deadline = DEADLINE) => runScript(connection, body, options(deadline)),
    async read(body, deadline = DEADLINE) {
      try {
        return await runScript(connection, body, options(deadline));
      } catch (error) {
        if (!(error instanceof UnknownOutcomeError)) throw error;
        await connection.close();
        connection = await open();
        return runScript(connection, body, options(deadline));
      }
    },
    close: () => connection.close(),
  };
}
