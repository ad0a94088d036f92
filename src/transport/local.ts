import { startChild } from "./child.ts";
import { drive } from "./drive.ts";
import { newGone } from "./gone.ts";
import { ENVIRONMENT } from "./root-shell.ts";
import type { Connection } from "./transport.ts";

export interface LocalOptions {
  /** The node's name. Default `localhost`. */
  readonly name?: string;
  /** The shell and its arguments before `-s`. Default `/bin/sh`. */
  readonly shell?: readonly [string, ...string[]];
  /** Bytes of output of one script. Default 256 MiB. */
  readonly limit?: number;
}

/** This machine as a node, with the rights of the user that runs kbreak: for tests. */
export function connectLocal(options: LocalOptions = {}): Connection {
  const [file, ...args] = options.shell ?? ["/bin/sh"];
  const gone = newGone();
  return {
    node: options.name ?? "localhost",
    hostKey: undefined,
    run: async (script, { deadline }) =>
      drive(startChild([file, ...args, "-s"], ENVIRONMENT), script, {
        deadline,
        gone: gone.signal,
        linger: 250,
        ...(options.limit === undefined ? {} : { limit: options.limit }),
      }),
    close: async () => gone.abort("the connection was closed"),
  };
}
