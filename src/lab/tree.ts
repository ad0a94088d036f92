import { chmodSync, chownSync, existsSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

interface Entry {
  /** Absolute path on the node. */
  readonly path: string;
  /** User and group id; default: root. */
  readonly owner?: number;
}

/** A file, folder or symbolic link to put on a node. Folders come before what is in them. */
export type TreeEntry =
  | (Entry & { readonly content: string; readonly mode: number })
  | (Entry & { readonly folder: true; readonly mode: number })
  | (Entry & { readonly target: string });

function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
  // Not the mode argument of mkdir: that one is subject to the umask of whoever started us.
  chmodSync(path, 0o755);
}

/** Writes `entries` below the folder `root`; folders that are not listed are made with mode 0755. */
export function writeTree(root: string, entries: readonly TreeEntry[]): void {
  for (const entry of entries) {
    const path = join(root, entry.path);
    const owner = entry.owner ?? 0;
    makeFolder(dirname(path));
    if ("target" in entry) {
      symlinkSync(entry.target, path);
      lchownSync(path, owner, owner);
      continue;
    }
    if ("folder" in entry) makeFolder(path);
    else writeFileSync(path, entry.content);
    chownSync(path, owner, owner);
    chmodSync(path, entry.mode);
  }
}
