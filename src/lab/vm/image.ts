import { readdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { quote } from "../../shell.ts";
import { run } from "../command.ts";
import { buildOnce, digest, imagesFolder } from "../image/build.ts";
import { debianTree, ensureImage, imageFolder } from "../image/image.ts";
import { writeTree } from "../tree.ts";
import type { Progress } from "../types.ts";
import { diskSize, earlyFiles, earlyInit, earlyModules, machineFiles, machinePackages } from "./recipe.ts";

/** What every virtual machine starts from. */
export interface MachineImage {
  readonly folder: string;
  readonly kernel: string;
  readonly initrd: string;
  /** A raw ext4 file system; never written to. */
  readonly root: string;
}

export function machineImage(): MachineImage {
  const recipe = JSON.stringify([
    basename(imageFolder()),
    ...[machinePackages, earlyModules, earlyInit([]), earlyFiles, machineFiles, diskSize],
  ]);
  const folder = join(imagesFolder(), `vm-${digest(recipe)}`);
  const file = (name: string) => join(folder, name);
  return { folder, kernel: file("vmlinuz"), initrd: file("initrd"), root: file("root.img") };
}

/** The files of the kernel modules, each after those that it needs. */
async function modulesOf(tree: string, release: string): Promise<readonly string[]> {
  const probe = ["modprobe", "-d", tree, "--set-version", release, "--show-depends"];
  const files: string[] = [];
  for (const name of earlyModules) {
    const lines = (await run([...probe, name])).split("\n");
    files.push(...lines.flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []));
  }
  return [...new Set(files)];
}

async function makeInitrd(tree: string, release: string, file: string): Promise<void> {
  const folder = `${file}.content`;
  const modules = await modulesOf(tree, release);
  const names = modules.map((path) => basename(path, ".xz"));
  writeTree(folder, [
    ...earlyFiles,
    { path: "/bin", folder: true, mode: 0o755 },
    { path: "/modules", folder: true, mode: 0o755 },
    { path: "/bin/sh", target: "busybox" },
    { path: "/init", mode: 0o755, content: earlyInit(names) },
  ]);
  await run(["cp", join(tree, "usr/bin/busybox"), join(folder, "bin/busybox")]);
  for (const [index, path] of modules.entries()) {
    const unpack = path.endsWith(".xz") ? "xz -dc" : "cat";
    await run([
      "sh",
      "-c",
      `${unpack} ${quote(path)} >${quote(join(folder, "modules", names[index] ?? ""))}`,
    ]);
  }
  // Not compressed: an emulated processor would take longer to unpack it than to read it.
  const pack = `cd ${quote(folder)} && find . | cpio --quiet -o -H newc >${quote(file)}`;
  await run(["sh", "-c", pack]);
  await run(["rm", "-rf", "--", folder]);
}

/** A root file system: the base image, the kernel's modules, and what a machine has and a namespace node has not. */
async function makeRoot(base: string, tree: string, release: string, file: string): Promise<void> {
  const folder = `${file}.content`;
  await run(["cp", "-a", "--", base, folder]);
  const modules = join(folder, "usr/lib/modules");
  await run(["mkdir", "-p", modules]);
  await run(["cp", "-a", "--", join(tree, "usr/lib/modules", release), modules]);
  await run(["depmod", "-b", folder, release]);
  writeTree(folder, machineFiles);
  await run([
    ...["mkfs.ext4", "-q", "-F", "-m", "0", "-d", folder],
    ...["-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", file, diskSize],
  ]);
  await run(["rm", "-rf", "--one-file-system", "--", folder]);
}

/**
 * Gives what virtual machines start from; builds it when it is not in the cache, which takes about a minute, and the
 * base image first.
 * @throws KbreakError when it cannot be built.
 */
export async function ensureMachineImage(progress: Progress): Promise<MachineImage> {
  const base = await ensureImage(progress);
  const title = "machine image";
  const image = machineImage();
  const build = async (folder: string, cgroup: string) => {
    const tree = join(folder, "tree");
    await run(["mkdir", "-p", folder]);
    // `extract` unpacks without running anything of the packages.
    const options = ["--variant=extract", "--mode=root", "--format=directory", "--components=main"];
    await debianTree({ title, folder: tree, options, packages: machinePackages }, cgroup, progress);
    const [release = ""] = readdirSync(join(tree, "usr/lib/modules"));
    // modprobe looks in /lib, which is a link that only the package base-files brings.
    symlinkSync("usr/lib", join(tree, "lib"));
    await run(["depmod", "-b", tree, release]);
    await run(["cp", join(tree, `boot/vmlinuz-${release}`), join(folder, basename(image.kernel))]);
    await makeInitrd(tree, release, join(folder, basename(image.initrd)));
    await makeRoot(base, tree, release, join(folder, basename(image.root)));
    await run(["rm", "-rf", "--one-file-system", "--", tree]);
  };
  await buildOnce({ title, folder: image.folder, takes: "about a minute", build }, progress);
  return image;
}
