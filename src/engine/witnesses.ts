import { KbreakError, messageOf, RemoteError } from "../errors.ts";
import type { NodeAccess } from "../transport/transport.ts";
import { type Context, sideBySide } from "./context.ts";
import type { Witness } from "./records.ts";
import { openSession, type Session } from "./session.ts";

/** Connects to each node that can be reached; of the others it gives why not. The caller closes the sessions. */
export async function openWitnesses<Node extends Witness>(
  nodes: readonly Node[],
  access: (node: Node) => NodeAccess,
  context: Context,
): Promise<ReadonlyMap<string, Session | KbreakError>> {
  const reached = new Map<string, Session | KbreakError>();
  await sideBySide(nodes, context.forks, async (node) => {
    try {
      reached.set(node.name, await openSession(access(node), node.identity, context));
    } catch (error) {
      reached.set(node.name, error instanceof KbreakError ? error : new RemoteError(messageOf(error)));
    }
  });
  return reached;
}

/** Closes those that were opened. */
export async function closeWitnesses(reached: ReadonlyMap<string, Session | KbreakError>): Promise<void> {
  await Promise.all([...reached.values()].map((one) => (one instanceof Error ? undefined : one.close())));
}
