import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";
import { readIfThere, writeWhole } from "./file.ts";
import { ensureCluster } from "./kubeadm/cluster.ts";
import { kubeadmFiles } from "./kubeadm/files.ts";
import type { LabNode } from "./nodes.ts";
import { nodesOf } from "./nodes.ts";
import type { TreeEntry } from "./tree.ts";
import type { Lab } from "./types.ts";

/** Where the lab keeps what belongs to one node: its disk, its identity, its console's output. */
export function nodeFolder(lab: Lab, node: LabNode): string {
  return join(lab.folder, "nodes", node.name);
}

/** What a node that comes up says, before anybody can log in. */
export function consoleLog(lab: Lab, node: LabNode): string {
  return join(nodeFolder(lab, node), "console.log");
}

/** The private key that logs in to all nodes of the lab, as root and as `lab`. */
export function userKey(lab: Lab): string {
  return join(lab.folder, "id_ed25519");
}

function hostKey(lab: Lab, node: LabNode): string {
  return join(nodeFolder(lab, node), "ssh_host_ed25519_key");
}

async function ensureKey(path: string, comment: string): Promise<void> {
  // ssh-keygen writes the public half last: without it the pair is a half-made one.
  if (existsSync(`${path}.pub`)) return;
  await run(["rm", "-f", "--", path]);
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path]);
}

/** Makes what tells the node from all others, unless it is there: its ssh host key and machine-id. */
export async function ensureIdentity(lab: Lab, node: LabNode): Promise<void> {
  mkdirSync(nodeFolder(lab, node), { recursive: true, mode: 0o700 });
  const file = join(nodeFolder(lab, node), "machine-id");
  if (!existsSync(file)) writeWhole(file, `${randomUUID().replaceAll("-", "")}\n`);
  await ensureKey(hostKey(lab, node), `root@${node.name}`);
}

/** Makes the key that logs in to the nodes, unless it is there. */
export function ensureUserKey(lab: Lab): Promise<void> {
  return ensureKey(userKey(lab), "lab");
}

/** The node's machine-id: 32 hexadecimal digits. */
export function machineId(lab: Lab, node: LabNode): string {
  return readFileSync(join(nodeFolder(lab, node), "machine-id"), "utf8").trim();
}

/** The node's public host key as it stands in a known_hosts file: type and base64. */
export function publicHostKey(lab: Lab, node: LabNode): string {
  return readFileSync(`${hostKey(lab, node)}.pub`, "utf8")
    .split(" ")
    .slice(0, 2)
    .join(" ");
}

/** The line of `/etc/hosts` for a node. */
export function hostsLine(node: LabNode): string {
  return `${node.address} ${node.name}`;
}

/** The files that make a machine this node of this lab: its names, its keys, and who may log in. */
export function identityFiles(lab: Lab, node: LabNode): readonly TreeEntry[] {
  const nodes = nodesOf(lab.count);
  const key = hostKey(lab, node);
  const authorized = readIfThere(`${userKey(lab)}.pub`) ?? "";
  return [
    { path: "/etc/hostname", mode: 0o644, content: `${node.name}\n` },
    {
      path: "/etc/hosts",
      mode: 0o644,
      content: `127.0.0.1 localhost\n${nodes.map((each) => `${hostsLine(each)}\n`).join("")}`,
    },
    { path: "/etc/machine-id", mode: 0o444, content: `${machineId(lab, node)}\n` },
    { path: "/etc/ssh/ssh_host_ed25519_key", mode: 0o600, content: readFileSync(key, "utf8") },
    { path: "/etc/ssh/ssh_host_ed25519_key.pub", mode: 0o644, content: readFileSync(`${key}.pub`, "utf8") },
    { path: "/root", folder: true, mode: 0o700 },
    { path: "/root/.ssh", folder: true, mode: 0o700 },
    { path: "/root/.ssh/authorized_keys", mode: 0o600, content: authorized },
    { path: "/home/lab", folder: true, mode: 0o700, owner: 1000 },
    { path: "/home/lab/.ssh", folder: true, mode: 0o700, owner: 1000 },
    { path: "/home/lab/.ssh/authorized_keys", mode: 0o600, owner: 1000, content: authorized },
  ];
}

/** What is on the node's disk beside the base image when it is started for the first time. */
export async function nodeFiles(lab: Lab, node: LabNode): Promise<readonly TreeEntry[]> {
  const [first = node] = nodesOf(lab.count);
  return [...identityFiles(lab, node), ...(await kubeadmFiles(await ensureCluster(lab.folder), node, first))];
}
