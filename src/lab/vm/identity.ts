import { readFileSync } from "node:fs";
import { join } from "node:path";
import { KbreakError } from "../../errors.ts";
import { quote } from "../../shell.ts";
import { run } from "../command.ts";
import { nodeFiles, nodeFolder } from "../node-files.ts";
import type { LabNode } from "../nodes.ts";
import { gateway, prefixLength } from "../nodes.ts";
import { writeTree } from "../tree.ts";
import type { Lab } from "../types.ts";
import { runOnSerial, uploadBySerial } from "./serial.ts";

/**
 * Words of the kernel's command line that every machine has, also the one that is saved. Where the kernel lies in memory
 * decides about some pages of it, and by them about limits of the network; they are to be the same after each start.
 */
export const bootWords: readonly string[] = ["audit=0", "nokaslr"];

const address = (node: LabNode) => `${node.address}/${prefixLength}`;

/** Words of the kernel's command line by which a cold start brings up the node's network. */
export function networkWords(node: LabNode): readonly string[] {
  return [`node.address=${address(node)}`, `node.gateway=${gateway}`];
}

/** Milliseconds for one command on the serial line. */
const limit = 60_000;

/**
 * Makes a machine that was restored from the saved state the node that it is to be: its files, name, clock and
 * network. All of it is on its disk when this returns.
 * @param rescue The socket of its second serial line.
 * @throws KbreakError
 */
export async function becomeNode(lab: Lab, node: LabNode, rescue: string): Promise<void> {
  const content = join(nodeFolder(lab, node), "content");
  const archive = `${content}.tar.gz`;
  await run(["rm", "-rf", "--one-file-system", "--", content, archive]);
  writeTree(content, await nodeFiles(lab, node));
  await run(["tar", "-czf", archive, "--numeric-owner", "-C", content, "."]);
  await uploadBySerial(rescue, "/run/node.tar.gz", readFileSync(archive));
  await run(["rm", "-rf", "--one-file-system", "--", content, archive]);
  const lines = [
    "set -e",
    // The clock stands where it stood when the state was saved.
    `date -s @${(Date.now() / 1000).toFixed(3)} >/dev/null`,
    "tar -xzf /run/node.tar.gz -C / --numeric-owner --no-overwrite-dir",
    "rm /run/node.tar.gz",
    `echo ${quote(node.name)} >/proc/sys/kernel/hostname`,
    // The driver reads the card's address when it binds: the saved one is that of the machine that was saved.
    "card=$(basename /sys/bus/virtio/drivers/virtio_net/virtio*)",
    'echo "$card" >/sys/bus/virtio/drivers/virtio_net/unbind',
    'echo "$card" >/sys/bus/virtio/drivers/virtio_net/bind',
    `/usr/local/sbin/node-network ${quote(address(node))} ${quote(gateway)}`,
    // After a power cut the node must find itself again.
    "sync",
    "systemctl daemon-reload",
    "systemctl restart ssh.service",
    // Units that the node's files have added to what is to run.
    "systemctl --no-block start default.target",
  ];
  const { code, stdout } = await runOnSerial(rescue, lines.join("\n"), limit);
  if (code === 0) return;
  throw new KbreakError(`${node.name} could not be made of the saved state: ${stdout.trim()}`, {
    target: node.name,
  });
}
