import { mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError } from "../../errors.ts";
import { quote } from "../../shell.ts";
import { run } from "../command.ts";
import { readIfThere } from "../file.ts";
import { start } from "../host/cgroup.ts";
import { buildOnce, digest, imagesFolder } from "../image/build.ts";
import type { Progress } from "../types.ts";
import type { Accelerator } from "./accelerator.ts";
import { bootWords } from "./identity.ts";
import type { MachineImage } from "./image.ts";
import { openMonitor } from "./monitor.ts";
import { hardware, qemu } from "./qemu.ts";
import { runOnSerial, waitForSerial } from "./serial.ts";

/** A machine that has just finished its start and is nobody yet: nodes are clones of it. */
export interface SavedState {
  readonly folder: string;
  /** Its disk, on top of the image's. */
  readonly disk: string;
  /** Its memory and devices. */
  readonly memory: string;
}

/** Milliseconds. A cold start takes 10 s under emulation on an idle machine. */
const startLimit = 180_000;

async function locate(image: MachineImage, accelerator: Accelerator): Promise<SavedState> {
  const version = await run(["qemu-system-x86_64", "--version"]);
  // With KVM the guest sees the processor of this host, and goes on only on the same.
  const processor = /^model name.*$/m.exec(readIfThere("/proc/cpuinfo") ?? "")?.[0] ?? "";
  const key = JSON.stringify([basename(image.folder), version, processor, hardware(image, accelerator)]);
  const folder = join(imagesFolder(), `state-${digest(key)}`);
  return { folder, disk: join(folder, "disk.qcow2"), memory: join(folder, "memory") };
}

/**
 * Gives the saved state that nodes are cloned from; makes it when it is not in the cache, which takes about half a
 * minute under emulation.
 * @throws KbreakError when it cannot be made.
 */
export async function ensureSavedState(
  image: MachineImage,
  accelerator: Accelerator,
  progress: Progress,
): Promise<SavedState> {
  const saved = await locate(image, accelerator);
  const title = "saved machine state";
  const build = async (folder: string, cgroup: string) => {
    mkdirSync(folder, { mode: 0o700 });
    const file = (of: string) => join(folder, basename(of));
    await run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image.root, file(saved.disk)]);
    await save(image, accelerator, folder, cgroup, file(saved.disk), file(saved.memory));
  };
  await buildOnce({ title, folder: saved.folder, takes: "about half a minute", build }, progress);
  return saved;
}

async function save(
  image: MachineImage,
  accelerator: Accelerator,
  folder: string,
  cgroup: string,
  disk: string,
  memory: string,
): Promise<void> {
  // The path of a socket is limited to 107 bytes, that of a cache folder is not.
  const sockets = join("/run", basename(cgroup));
  const socket = (name: string) => join(sockets, name);
  rmSync(sockets, { recursive: true, force: true });
  mkdirSync(sockets, { mode: 0o700 });
  const log = join(folder, "console.log");
  try {
    const machine = qemu(image, accelerator, {
      disk,
      tap: "tap0",
      mac: "52:54:00:77:02:01",
      words: bootWords,
      console: { socket: socket("console"), log },
      rescue: socket("rescue"),
      more: ["-qmp", `unix:${socket("monitor")},server=on,wait=off`],
    });
    start(cgroup, ["unshare", "--net", ...machine], "ignore");
    const monitor = await openMonitor(socket("monitor"));
    await waitForSerial(socket("rescue"), startLimit);
    // What is in the caches would only make the saved memory larger.
    const settle = "systemctl is-system-running --wait; sync; echo 3 >/proc/sys/vm/drop_caches";
    const { stdout } = await runOnSerial(socket("rescue"), settle, startLimit);
    if (!/^running/m.test(stdout)) {
      throw new KbreakError(
        `the machine to be saved did not start well: ${stdout.trim()}\n${readIfThere(log) ?? ""}`,
      );
    }
    // Zero: no limit. What is restored goes on by itself, as this machine is running when it is saved.
    await monitor.execute("migrate-set-parameters", { "max-bandwidth": 0 });
    await monitor.execute("migrate", { uri: `exec:cat >${quote(memory)}` });
    for (;;) {
      const { status, "error-desc": why } = await monitor.execute("query-migrate");
      if (status === "completed") break;
      if (status === "failed" || status === "cancelled")
        throw new KbreakError(`qemu could not save the machine's state: ${why ?? status}`);
      await sleep(50);
    }
    await monitor.execute("quit").catch(() => {});
    monitor.close();
  } finally {
    rmSync(sockets, { recursive: true, force: true });
  }
}
