import { closeSync, fchmodSync, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";

/**
 * Files and folders that only their owner may look at, whatever the umask: one of 000 would let others in, and one of 777
 * shuts out the owner too.
 */

/** Makes a folder and those above it that are missing, with mode 0700. */
export function makePrivateFolder(path: string): void {
  const before = process.umask(0o077);
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } finally {
    process.umask(before);
  }
}

/** Opens a file; a new or emptied one has mode 0600. */
export function openPrivate(path: string, flags: "r" | "r+" | "w" | "wx"): number {
  const descriptor = openSync(path, flags, 0o600);
  if (flags === "w" || flags === "wx") fchmodSync(descriptor, 0o600);
  return descriptor;
}

/** Writes all of it from a position on: a write may be cut short. */
export function writeWhole(descriptor: number, bytes: Buffer, position: number): void {
  let done = 0;
  while (done < bytes.length)
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
}

/** Writes a new file with mode 0600 and syncs it. @throws what node's fs throws, `EEXIST` for one that is there. */
export function writePrivate(path: string, bytes: Buffer): void {
  const descriptor = openPrivate(path, "wx");
  try {
    writeWhole(descriptor, bytes, 0);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Brings what was made or renamed in a folder, or the bytes of a file, to the disk. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const refusals: readonly unknown[] = ["EROFS", "EACCES", "EPERM", "ENOSPC", "EDQUOT"];

/** True for the errors of a folder in which nothing can be written: read-only, somebody else's, or full. */
export function isUnwritable(error: unknown): boolean {
  return refusals.includes((error as NodeJS.ErrnoException | undefined)?.code);
}
