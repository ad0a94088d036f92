import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError } from "../../errors.ts";
import { run } from "../command.ts";
import { nodeFolder } from "../node-files.ts";
import type { LabNode } from "../nodes.ts";
import type { TreeEntry } from "../tree.ts";
import { writeTree } from "../tree.ts";
import type { Lab } from "../types.ts";

/** The file that holds the disk of a namespace node: an ext4 with the folders `upper` and `work` of its root. */
export const diskOf = (lab: Lab, node: LabNode): string => join(nodeFolder(lab, node), "disk.img");

/** What is on the disk of a namespace node whose root has these entries beside its lower layers. */
export function diskEntries(entries: readonly TreeEntry[]): readonly TreeEntry[] {
  return [
    { path: "/work", folder: true, mode: 0o755 },
    { path: "/upper", folder: true, mode: 0o755 },
    ...entries.map((entry) => ({ ...entry, path: `/upper${entry.path}` })),
  ];
}

/** Makes a file system with these entries in a new file. @param size As mkfs.ext4 takes it. */
export async function makeDisk(file: string, size: string, entries: readonly TreeEntry[]): Promise<void> {
  const content = `${file}.content`;
  await run(["rm", "-rf", "--one-file-system", "--", content]);
  writeTree(content, entries);
  await run([
    ...["mkfs.ext4", "-q", "-F", "-m", "0", "-d", content],
    ...["-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", file, size],
  ]);
  await run(["rm", "-rf", "--one-file-system", "--", content]);
}

/** Gives the node its disk, unless it has one: `make` makes it in a file that becomes the disk when it is whole. */
export async function ensureDisk(
  lab: Lab,
  node: LabNode,
  make: (file: string) => Promise<void>,
): Promise<void> {
  const disk = diskOf(lab, node);
  if (existsSync(disk)) return;
  const unfinished = `${disk}.tmp`;
  await run(["rm", "-f", "--", unfinished]);
  await make(unfinished);
  renameSync(unfinished, disk);
}

/** Waits until no loop device holds the disk: the kernel lets go of it some time after the last process is gone. */
export async function diskIsFree(disk: string): Promise<void> {
  for (const end = Date.now() + 10_000; ; await sleep(10)) {
    if ((await run(["losetup", "-j", disk])).trim() === "") return;
    if (Date.now() > end) {
      throw new KbreakError(`${disk} is still in use by a loop device`, { hint: `losetup -j ${disk}` });
    }
  }
}
