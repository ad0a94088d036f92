import { readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError } from "../src/errors.ts";
import type { Enrolment } from "../src/inventory/types.ts";
import { run } from "../src/lab/command.ts";
import { cgroupRoot, killCgroup, start } from "../src/lab/host/cgroup.ts";
import { ensureImage } from "../src/lab/image/image.ts";
import { fingerprintOf } from "../src/lab/inventory.ts";
import { freePort } from "../src/lab/ports.ts";
import { greets } from "../src/lab/ready.ts";
import type { Stage } from "./stage.ts";

/**
 * What runs as the first process of an endpoint: an ssh server on a root of its own, in memory, with the nodes' base
 * image below it. It has no systemd and no network of its own, so that this machine carries hundreds.
 *
 * Arguments: its folder, the image, its machine-id, its port.
 */
const script = `set -eu
folder=$1 image=$2 machine_id=$3 port=$4
mount -t tmpfs -o size=64m,mode=755 tmpfs "$folder/disk"
mkdir "$folder/disk/upper" "$folder/disk/work"
mount -t overlay overlay -o "lowerdir=$image,upperdir=$folder/disk/upper,workdir=$folder/disk/work" "$folder/root"
cd "$folder/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir -p run/sshd root/.ssh
chmod 700 root root/.ssh
cp "$folder/../key.pub" root/.ssh/authorized_keys
cp "$folder/../host_key" etc/ssh/host_key
chmod 600 root/.ssh/authorized_keys etc/ssh/host_key
echo "$machine_id" >etc/machine-id
exec chroot . /usr/sbin/sshd -D -p "$port" -h /etc/ssh/host_key -o ListenAddress=127.0.0.1 -o UsePAM=no
`;

const cgroupOf = (pid: number) => join(cgroupRoot() ?? "", `kb-endpoints-${pid}`);

/** Ends the endpoints that a process has started. */
export const stopEndpoints = (pid: number): Promise<void> => killCgroup(cgroupOf(pid));

/** @throws KbreakError after a minute without an ssh server on this port. */
async function listening(name: string, port: number, signal: AbortSignal): Promise<void> {
  for (const end = Date.now() + 60_000; !(await greets(port)); await sleep(50)) {
    signal.throwIfAborted();
    if (Date.now() > end) throw new KbreakError(`the endpoint ${name} does not answer on port ${port}`);
  }
}

/** Starts so many endpoints, which go with the stage, and gives their inventory: they are called e1, e2 and so on. */
export async function startEndpoints(stage: Stage, count: number): Promise<string> {
  const image = await ensureImage(stage.tell);
  const folder = join(stage.folder, "endpoints");
  const cgroup = cgroupOf(process.pid);
  stage.leave("endpoints", () => stopEndpoints(process.pid));
  await mkdir(folder);
  for (const name of ["key", "host_key"])
    await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(folder, name)]);
  const hostKey = fingerprintOf(readFileSync(join(folder, "host_key.pub"), "utf8"));
  const file = join(folder, "start.sh");
  writeFileSync(file, script);
  const taken = new Set<number>();
  const nodes: { readonly name: string; readonly port: number; readonly machineId: string }[] = [];
  for (let index = 1; index <= count; index++) {
    const name = `e${index}`;
    const machineId = index.toString(16).padStart(32, "0");
    const port = await freePort(folder, taken);
    taken.add(port);
    for (const each of ["disk", "root"]) await mkdir(join(folder, name, each), { recursive: true });
    const namespaces = [
      "unshare",
      "--mount",
      "--pid",
      "--uts",
      "--ipc",
      "--fork",
      "--propagation",
      "private",
    ];
    start(cgroup, [...namespaces, "sh", file, join(folder, name), image, machineId, String(port)], "ignore");
    nodes.push({ name, port, machineId });
  }
  const inventory = join(folder, "inventory.yaml");
  const entry = ({ name, port }: (typeof nodes)[number]) =>
    `  ${name}: { host: 127.0.0.1, port: ${port}, user: root, key: "${join(folder, "key")}", roles: [worker] }\n`;
  writeFileSync(inventory, `name: endpoints\nnodes:\n${nodes.map(entry).join("")}`);
  const enrolment: Enrolment = {
    version: 1,
    lab: "endpoints",
    nodes: Object.fromEntries(nodes.map(({ name, machineId }) => [name, { hostKey, machineId }])),
  };
  writeFileSync(`${inventory}.lock`, JSON.stringify(enrolment));
  for (const { name, port } of nodes) await listening(name, port, stage.signal);
  return inventory;
}
