import type { Accelerator } from "./accelerator.ts";
import type { MachineImage } from "./image.ts";

/** MiB. Enough for etcd and a full fingerprint. */
const memory = 448;

/** A virtual machine to be started. */
export interface Machine {
  /** Absolute path of its disk, in qcow2. */
  readonly disk: string;
  /** The network device that it is plugged into; qemu makes it where it is missing. */
  readonly tap: string;
  readonly mac: string;
  /** Words for the kernel's command line, beside those that every machine has. */
  readonly words: readonly string[];
  /** Socket of the serial line on which people log in, and the file that keeps what is said there. */
  readonly console: { readonly socket: string; readonly log: string };
  /** Socket of the serial line on which the host runs commands. */
  readonly rescue: string;
  /** Anything more, such as `-incoming`. */
  readonly more: readonly string[];
}

/** What qemu takes for the value of an option: a comma is written twice. */
const value = (text: string) => text.replaceAll(",", ",,");

/** Everything that a saved state depends on: it can be restored on exactly the same machine only. */
export function hardware(image: MachineImage, { accel, cpu }: Accelerator): readonly string[] {
  return [
    ...["-M", "q35,vmport=off,hpet=off", "-accel", accel, "-cpu", cpu, "-smp", "1", "-m", `${memory}`],
    ...["-display", "none", "-nodefaults", "-no-user-config"],
    ...["-kernel", image.kernel, "-initrd", image.initrd],
    ...["-device", "virtio-rng-pci"],
  ];
}

/** The command line of qemu. */
export function qemu(image: MachineImage, accelerator: Accelerator, machine: Machine): readonly string[] {
  const { disk, tap, mac, words, console, rescue, more } = machine;
  const kernel = ["console=ttyS0", "quiet", "panic=5", "tsc=reliable", "no_timer_check", "mitigations=off"];
  const consoleLine = `socket,id=console,path=${value(console.socket)},server=on,wait=off`;
  return [
    "qemu-system-x86_64",
    ...hardware(image, accelerator),
    ...["-append", [...kernel, ...words].join(" ")],
    ...[
      "-chardev",
      `${consoleLine},logfile=${value(console.log)},logappend=on`,
      "-serial",
      "chardev:console",
    ],
    ...["-chardev", `socket,id=rescue,path=${value(rescue)},server=on,wait=off`, "-serial", "chardev:rescue"],
    // What the node has synced must survive the end of this qemu, so its flushes reach the file.
    ...["-drive", `file=${value(disk)},if=none,id=disk,format=qcow2,cache=writeback,discard=unmap`],
    ...["-device", "virtio-blk-pci,drive=disk"],
    ...["-netdev", `tap,id=net,ifname=${tap},script=no,downscript=no`],
    ...["-device", `virtio-net-pci,netdev=net,mac=${mac}`],
    ...more,
  ];
}
