import { readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../command.ts";

/** Where Debian has its libraries, and the program that loads them. */
export const libraryFolder = "usr/lib/x86_64-linux-gnu";
const loader = "usr/lib64/ld-linux-x86-64.so.2";

/** The files, relative to `tree`, of all libraries that programs and libraries of it need, and their loader. */
export async function librariesOf(tree: string, files: readonly string[]): Promise<readonly string[]> {
  const found = new Set([loader]);
  for (const file of files) {
    // The loader of the tree, as one of the host may be older than the programs.
    const list = await run([
      join(tree, libraryFolder, "ld-linux-x86-64.so.2"),
      ...["--inhibit-cache", "--library-path", join(tree, libraryFolder), "--list", join(tree, file)],
    ]);
    for (const [, path = ""] of list.matchAll(/=> (\S+) \(0x/g))
      if (path.startsWith(`${tree}/`)) found.add(path.slice(tree.length + 1));
  }
  return [...found];
}

/** The names in a folder of `tree` that match, with the folder. */
export function filesIn(tree: string, folder: string, pattern: RegExp): readonly string[] {
  return readdirSync(join(tree, folder))
    .filter((name) => pattern.test(name))
    .map((name) => `${folder}/${name}`);
}

/** Copies files of a tree, and all libraries that those of `programs` need, to a new root. */
export async function copyWithLibraries(
  tree: string,
  programs: readonly string[],
  others: readonly string[],
  root: string,
): Promise<void> {
  const libraries = await librariesOf(tree, programs);
  const copy = 'cd "$1" && mkdir -p "$2" && target=$2 && shift 2 && cp -L --parents "$@" "$target"';
  await run(["sh", "-c", copy, "sh", tree, root, ...programs, ...libraries]);
  if (others.length > 0) await run(["sh", "-c", copy.replace("cp -L", "cp -a"), "sh", tree, root, ...others]);
  await run(["ln", "-s", ...["usr/bin", "usr/lib", "usr/lib64", "usr/sbin"], root]);
}
