import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { InventoryNode } from "../src/inventory/types.ts";

/** What the system's ssh and Ansible need to know of the nodes, and where they keep their connections. */
export interface Peers {
  readonly names: readonly string[];
  /** A configuration of ssh, in which each node has its name. */
  readonly sshConfig: string;
  /** An inventory of Ansible's. */
  readonly ansibleInventory: string;
  /** For the sockets of kept connections. */
  readonly control: string;
}

/**
 * Writes it for nodes of an inventory.
 * @param knownHosts The file that has their host keys. @param control For the sockets of kept connections.
 */
export function peersOf(
  nodes: readonly InventoryNode[],
  knownHosts: string,
  folder: string,
  control: string,
): Peers {
  const common = [
    "Host *",
    ...[
      "HostName 127.0.0.1",
      "User root",
      "StrictHostKeyChecking yes",
      "IdentitiesOnly yes",
      "BatchMode yes",
      "LogLevel ERROR",
    ],
    ...[`UserKnownHostsFile "${knownHosts}"`, "GlobalKnownHostsFile none", "UpdateHostKeys no"],
  ];
  const host = ({ name, port, key }: InventoryNode) => [
    `Host ${name}`,
    `Port ${port}`,
    `IdentityFile "${key}"`,
  ];
  const sshConfig = join(folder, "ssh_config");
  writeFileSync(sshConfig, `${[...nodes.flatMap(host), ...common].join("\n")}\n`);
  const names = nodes.map(({ name }) => name);
  const ansibleInventory = join(folder, "hosts");
  writeFileSync(
    ansibleInventory,
    `${names.map((name) => `${name} ansible_python_interpreter=/usr/bin/python3`).join("\n")}\n`,
  );
  return { names, sshConfig, ansibleInventory, control };
}
