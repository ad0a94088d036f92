import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { attempt } from "../command.ts";
import { readIfThere, writeWhole } from "../file.ts";
import { killCgroup, within } from "../host/cgroup.ts";
import { imagesFolder } from "../image/build.ts";
import type { MachineImage } from "./image.ts";

/** What runs the machine's instructions, as qemu's options `-accel` and `-cpu` take it. */
export interface Accelerator {
  readonly accel: string;
  readonly cpu: string;
}

/**
 * With several threads, or with cmpxchg16b, guests panic now and then under qemu's emulation; without, none has in
 * hundreds of starts. The plainest processor is the fastest one: what libraries do in wide registers where there are
 * some costs an emulator more than the plain way. Translated code that finds no room is translated again.
 */
const emulation: Accelerator = { accel: "tcg,thread=single,tb-size=256", cpu: "qemu64,-cx16" };
const hardware: Accelerator = { accel: "kvm", cpu: "host" };

/** Seconds that a kernel which is really run by the processor needs at most to come to its first program. */
const patience = 8;

/** Tried once each time this host starts. */
const memory = () => join(imagesFolder(), "accelerator.json");

/**
 * Boots the kernel under KVM to its first program and looks whether it gets there: inside of some virtual machines
 * /dev/kvm is there, opens and takes every call, but what is to run stands still or dies.
 */
async function kvmWorks(image: MachineImage, cgroup: string): Promise<boolean> {
  const argv = [
    ...["timeout", "--signal=KILL", `${patience}`, "qemu-system-x86_64"],
    ...["-M", "q35", "-accel", hardware.accel, "-cpu", hardware.cpu, "-m", "256", "-display", "none"],
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-serial", "stdio"],
    // The first file system has no disk to go on with, so its kernel panics behind the word, and that ends qemu.
    ...["-kernel", image.kernel, "-initrd", image.initrd],
    ...["-append", "console=ttyS0 quiet panic=-1 rdinit=/bin/busybox -- echo kvm-works"],
  ];
  try {
    const { stdout } = await attempt(within(cgroup, argv));
    return stdout.includes("kvm-works");
  } finally {
    await killCgroup(cgroup);
  }
}

/** KVM where it really works, else emulation. */
export async function chooseAccelerator(image: MachineImage, cgroup: string): Promise<Accelerator> {
  if (!existsSync("/dev/kvm")) return emulation;
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const tried = JSON.parse(readIfThere(memory()) ?? "{}") as { boot?: string; kvm?: boolean };
  const kvm = tried.boot === boot && tried.kvm !== undefined ? tried.kvm : await kvmWorks(image, cgroup);
  writeWhole(memory(), `${JSON.stringify({ boot, kvm })}\n`);
  return kvm ? hardware : emulation;
}
