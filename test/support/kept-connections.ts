import { connect } from "../../src/transport/connect.ts";
import type { Connect, Connection } from "../../src/transport/transport.ts";

/**
 * Connections that the next one to want the same node gets, too: a login takes an emulated machine more than a second.
 * One that was lost is made anew. `close()` ends them all.
 */
export function keptConnections(): { readonly connect: Connect; close(): Promise<void> } {
  const kept = new Map<string, Promise<Connection>>();
  const keptFor: Connect = async (node, options) => {
    const key = `${node.host}:${node.port}`;
    const known = kept.get(key) ?? connect(node, options);
    kept.set(key, known);
    const connection = await known;
    return {
      ...connection,
      async run(script, deadline) {
        const outcome = await connection.run(script, deadline);
        if (outcome.kind === "unknown") kept.delete(key);
        return outcome;
      },
      close: async () => {},
    };
  };
  return {
    connect: keptFor,
    async close() {
      for (const connection of kept.values()) await (await connection).close();
      kept.clear();
    },
  };
}
