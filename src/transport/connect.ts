import type { Connect } from "./transport.ts";

/**
 * Connects to a node by what the inventory says of it: its `command`, or ssh. In both cases a root shell was really
 * reached when the connection is given back.
 */
export const connect: Connect = async (node, options) => {
  if (node.command !== undefined) {
    const { connectCommand } = await import("./command.ts");
    return connectCommand({ ...node, command: node.command }, options);
  }
  const { connectSsh } = await import("./ssh.ts");
  return connectSsh(node, options);
};
