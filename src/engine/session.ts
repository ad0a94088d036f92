import { RemoteError } from "../errors.ts";
import { type ClusterCheck, clusterCheck } from "../inventory/authorities.ts";
import type { Identity } from "../inventory/types.ts";
import type { Shell } from "../shell.ts";
import type { Connection, NodeAccess } from "../transport/transport.ts";
import type { Context } from "./context.ts";
import type { NodeClock } from "./records.ts";
import { clockOf, type Frame, runScript, type ScriptOptions, UnknownOutcomeError } from "./script.ts";

/** One node that kbreak is at work on. */
export interface Session {
  readonly name: string;
  readonly identity: Identity;
  /** Runs a script there. @throws what {@link runScript} throws. */
  run(body: Shell, how?: RunWish): Promise<readonly Frame[]>;
  /** A read, which may be done again: tried once more over a new connection when its outcome is unknown. */
  read(body: Shell): Promise<readonly Frame[]>;
  /**
   * Goes on over a new connection: after a change to the way itself, such as the MTU's, what was connected before may
   * hang for ever.
   * @throws ConnectError
   */
  renew(): Promise<void>;
  /** The node's own time as it must be about now. @throws RemoteError before anything has been read there. */
  clock(): NodeClock;
  close(): Promise<void>;
}

export interface RunWish {
  /** A script that has not arrived by then does nothing. */
  readonly expires?: NodeClock;
  /** Milliseconds after which its answer is not waited for any more. Default 300 000. */
  readonly deadline?: number;
}

/** Milliseconds that a script may take: filling etcd on a slow disk is the longest. */
const DEADLINE = 300_000;

export interface SessionOptions {
  /** Seconds that its scripts wait for one that is still running there. */
  readonly patience?: number;
  /** By what its cluster is known. Default: all that it was enrolled with. */
  readonly cluster?: ClusterCheck;
}

/**
 * Connects to a node that was enrolled with `identity`.
 * @throws ConnectError
 */
export async function openSession(
  access: NodeAccess,
  identity: Identity,
  context: Pick<Context, "connect">,
  { patience, cluster = clusterCheck(identity) }: SessionOptions = {},
): Promise<Session> {
  const open = () => context.connect(access, { hostKey: identity.hostKey });
  let connection: Connection = await open();
  // Nobody makes a cluster anew between two scripts; that the other end is still the same machine, each asks.
  let unchecked: Pick<ScriptOptions, "cluster"> = { cluster };
  let seen: { readonly clock: NodeClock; readonly at: Moment } | undefined;
  const run = async (body: Shell, { expires, deadline = DEADLINE }: RunWish = {}) => {
    const frames = await runScript(connection, body, {
      machineId: identity.machineId,
      ...(identity.containerId === undefined ? {} : { containerId: identity.containerId }),
      ...unchecked,
      deadline,
      ...(expires === undefined ? {} : { expires }),
      ...(patience === undefined ? {} : { patience }),
    });
    unchecked = {};
    const clock = clockOf(frames);
    if (clock !== undefined) seen = { clock, at: moment() };
    return frames;
  };
  const renew = async () => {
    await connection.close();
    connection = await open();
  };
  return {
    name: access.name,
    identity,
    run,
    renew,
    async read(body) {
      try {
        return await run(body);
      } catch (error) {
        if (!(error instanceof UnknownOutcomeError)) throw error;
        await renew();
        return run(body);
      }
    },
    clock() {
      if (seen === undefined)
        throw new RemoteError(`${access.name} has not told its time`, { target: access.name });
      return { boot: seen.clock.boot, uptime: seen.clock.uptime + secondsSince(seen.at) };
    },
    close: () => connection.close(),
  };
}

interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

const moment = (): Moment => ({ wall: Date.now(), monotonic: performance.now() });

/** Whole seconds. The monotonic clock stands still while a laptop sleeps, and the other one may be set: the larger counts. */
function secondsSince({ wall, monotonic }: Moment): number {
  return Math.floor(Math.max(Date.now() - wall, performance.now() - monotonic) / 1000);
}
