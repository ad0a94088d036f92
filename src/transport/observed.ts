import type { Connection, Outcome } from "./transport.ts";

/** One round trip to a node. */
export interface ObservedRun {
  readonly node: string;
  readonly script: string;
  readonly outcome: Outcome;
  readonly milliseconds: number;
}

/** The same connection, with `onRun` called after each script, before its outcome is given back. */
export function observed(connection: Connection, onRun: (run: ObservedRun) => void): Connection {
  return {
    ...connection,
    run: async (script, options) => {
      const start = performance.now();
      const outcome = await connection.run(script, options);
      onRun({ node: connection.node, script, outcome, milliseconds: performance.now() - start });
      return outcome;
    },
  };
}
