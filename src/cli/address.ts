import type { NodeAccess } from "../transport/transport.ts";

/** How a node is reached, as its inventory says it: its command, or `user@host:port`. */
export function addressOf(node: NodeAccess): string {
  if (node.command !== undefined) return node.command;
  const user = node.user === undefined ? "" : `${node.user}@`;
  const port = node.port === undefined ? "" : `:${node.port}`;
  return `${user}${node.host ?? node.name}${port}`;
}
