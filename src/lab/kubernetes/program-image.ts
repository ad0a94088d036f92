import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { run } from "../command.ts";
import { buildOnce, digest, imagesFolder } from "../image/build.ts";
import { debianTree, ensureImage } from "../image/image.ts";
import { writeTree } from "../tree.ts";
import type { Progress } from "../types.ts";
import { archivesRecipe, makeArchives, wantedImages } from "./container-images.ts";
import { nodeEntries, nodePackages } from "./node-recipe.ts";
import { cniPlugins, nodePrograms, programsKey } from "./programs.ts";
import { workloadPackages } from "./workload-image.ts";

/** What nodes are made of beside the base image. */
export interface ProgramImage {
  /** Holds `root`, the layer on top of the base image, and `archives` of container images. */
  readonly folder: string;
  /** Of Kubernetes, such as `v1.37.1`. */
  readonly version: string;
}

/** The folder of the archives of container images. */
export const archivesFolder = (folder: string): string => join(folder, "archives");

/** The folder of the nodes' layer on top of the base image. */
export const programsRoot = (folder: string): string => join(folder, "root");

async function makeNodeRoot(programs: string, debian: string, root: string, pause: string): Promise<void> {
  const folders = ["usr/bin", "usr/sbin", "opt/cni/bin"].map((folder) => join(root, folder));
  await run(["mkdir", "-p", ...folders]);
  const [bin = "", sbin = "", cni = ""] = folders;
  await run(["cp", ...nodePrograms.map((name) => join(programs, "bin", name)), bin]);
  await run(["cp", ...cniPlugins.map((name) => join(programs, "cni", name)), cni]);
  await run(["cp", join(debian, "usr/sbin/runc"), sbin]);
  await run(["chown", "-R", "0:0", root]);
  await run(["chmod", "-R", "u=rwX,go=rX", root]);
  writeTree(root, nodeEntries(pause));
}

/**
 * Gives what nodes are made of beside the base image, which it builds before; builds it when it is not in the cache,
 * which takes about a minute.
 * @param programs A folder with {@link programFiles}.
 * @throws KbreakError when it cannot be built.
 */
export async function ensureProgramImage(programs: string, progress: Progress): Promise<ProgramImage> {
  const version = (await run([join(programs, "bin/kubeadm"), "version", "--output", "short"])).trim();
  const wanted = await wantedImages(programs, version);
  const base = await ensureImage(progress);
  const recipe = JSON.stringify([
    ...[basename(base), programsKey(programs), nodePackages, nodeEntries(wanted("pause"))],
    ...archivesRecipe,
  ]);
  const title = `Kubernetes ${version}`;
  const image = { folder: join(imagesFolder(), `kubernetes-${digest(recipe)}`), version };
  const build = async (folder: string, cgroup: string) => {
    const debian = join(folder, "debian");
    mkdirSync(archivesFolder(folder), { recursive: true });
    // `extract` unpacks without running anything of the packages.
    const options = ["--variant=extract", "--mode=root", "--format=directory", "--components=main"];
    const packages = [...nodePackages, ...workloadPackages];
    await debianTree({ title, folder: debian, options, packages }, cgroup, progress);
    await makeNodeRoot(programs, debian, programsRoot(folder), wanted("pause"));
    progress(`${title}: container images`);
    await makeArchives(programs, debian, archivesFolder(folder), wanted);
    await run(["rm", "-rf", "--one-file-system", "--", debian]);
  };
  await buildOnce({ title, folder: image.folder, takes: "about a minute", build }, progress);
  return image;
}
