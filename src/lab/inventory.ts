import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Enrolment } from "../inventory/types.ts";
import { writeWhole } from "./file.ts";
import { labFolder } from "./folders.ts";
import { machineId, publicHostKey, userKey } from "./node-files.ts";
import type { LabNode } from "./nodes.ts";
import { nodesOf } from "./nodes.ts";
import type { Lab } from "./types.ts";

/** The lab that commands use when none is named. */
export const defaultLab = "lab";

/** Path of the inventory of the lab in this folder. */
export function inventoryFile(folder: string): string {
  return join(folder, "inventory.yaml");
}

/** Path of the default lab's inventory, or `undefined` when there is no such lab. */
export function defaultInventory(): string | undefined {
  const file = inventoryFile(labFolder(defaultLab));
  return existsSync(file) ? file : undefined;
}

/** Path of the file of host keys that `kbreak lab ssh` knows the nodes by. */
export function knownHosts(lab: Lab): string {
  return join(lab.folder, "known_hosts");
}

/** `SHA256:<base64>`, as ssh prints it. */
export function fingerprintOf(publicKey: string): string {
  const blob = Buffer.from(publicKey.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

function inventory(lab: Lab): string {
  const node = ({ name, role, address }: LabNode) => [
    `  ${name}:`,
    "    host: 127.0.0.1",
    `    port: ${lab.ports[name]}`,
    "    user: root",
    `    key: ${JSON.stringify(userKey(lab))}`,
    `    roles: [${role}]`,
    `    address: ${address}`,
  ];
  return `${[
    `# Written by kbreak lab up; kbreak lab down removes it.`,
    `name: ${lab.name}`,
    "nodes:",
    ...nodesOf(lab.count).flatMap(node),
  ].join("\n")}\n`;
}

function enrolment(lab: Lab): Enrolment {
  const nodes = nodesOf(lab.count).map(
    (node) =>
      [
        node.name,
        { hostKey: fingerprintOf(publicHostKey(lab, node)), machineId: machineId(lab, node) },
      ] as const,
  );
  return { version: 1, lab: lab.name, nodes: Object.fromEntries(nodes) };
}

/** Writes the lab's inventory, enrols its nodes, and writes their host keys for ssh. */
export function writeInventory(lab: Lab): void {
  const file = inventoryFile(lab.folder);
  const hosts = nodesOf(lab.count).map(
    (node) => `[127.0.0.1]:${lab.ports[node.name]} ${publicHostKey(lab, node)}\n`,
  );
  writeWhole(knownHosts(lab), hosts.join(""));
  writeWhole(`${file}.lock`, `${JSON.stringify(enrolment(lab), undefined, 2)}\n`, 0o644);
  writeWhole(file, inventory(lab), 0o644);
}
