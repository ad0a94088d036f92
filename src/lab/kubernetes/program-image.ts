import { existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { KbreakError } from "../../errors.ts";
import type { Role } from "../../inventory/types.ts";
import { run } from "../command.ts";
import { buildOnce, digest, imagesFolder } from "../image/build.ts";
import { debianTree, ensureImage, imageFolder } from "../image/image.ts";
import { writeTree } from "../tree.ts";
import type { Progress } from "../types.ts";
import type { Image } from "./archive.ts";
import { writeArchive } from "./archive.ts";
import { copyWithLibraries, filesIn, libraryFolder } from "./libraries.ts";
import { nodeEntries, nodePackages } from "./node-recipe.ts";
import { cniPlugins, nodePrograms, programsKey } from "./programs.ts";
import {
  addBusybox,
  makeWorkloadRoot,
  shellImage,
  workloadImages,
  workloadPackages,
  workloadRecipe,
} from "./workload-image.ts";

/** What nodes are made of beside the base image. */
export interface ProgramImage {
  /** Holds `root`, the layer on top of the base image, and `archives` of container images. */
  readonly folder: string;
  /** Of Kubernetes, such as `v1.37.1`. */
  readonly version: string;
}

/** The folder of the nodes' layer on top of the base image. */
export const programsRoot = (folder: string): string => join(folder, "root");

const sharedArchives = ["kube-proxy", "coredns", "pause", "shell"];
const controlPlaneArchives = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/**
 * The files of the container images that a node has.
 * @param works True: the cluster's workload may run on it.
 */
export function archivesFor(image: ProgramImage, role: Role, works: boolean): readonly string[] {
  const names = [
    ...sharedArchives,
    ...(role === "control-plane" ? controlPlaneArchives : []),
    ...(works ? ["workload"] : []),
  ];
  return names.map((name) => join(image.folder, "archives", `${name}.tar`));
}

/** The container images that this kubeadm wants, by the last part of their names: `etcd` → `registry.k8s.io/etcd:3.7.0-0`. */
async function wantedImages(programs: string, version: string): Promise<(name: string) => string> {
  const kubeadm = join(programs, "bin/kubeadm");
  const lines = (await run([kubeadm, "config", "images", "list", "--kubernetes-version", version]))
    .trim()
    .split("\n");
  return (name) => {
    const found = lines.find((line) => line.includes(`/${name}:`));
    if (found !== undefined) return found;
    throw new KbreakError(`${kubeadm} names no image for ${name}; it names ${lines.join(", ")}`);
  };
}

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

// A process that does nothing until it is told to end, and waits for the children that others have left to it.
const idle = ["sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"];

/** Makes the archives of all container images in `folder`. */
async function makeArchives(
  programs: string,
  debian: string,
  folder: string,
  wanted: (name: string) => string,
): Promise<void> {
  const work = join(folder, "work");
  const archive = async (name: string, images: readonly Image[], fill: (root: string) => Promise<void>) => {
    const root = join(work, "root");
    mkdirSync(join(root, "usr/local/bin"), { recursive: true });
    await fill(root);
    await writeArchive(join(folder, `${name}.tar`), root, images, join(work, "parts"));
    await run(["rm", "-rf", "--", work]);
  };
  const program = (name: string) => async (root: string) => {
    await run(["cp", join(programs, "bin", name), join(root, "usr/local/bin")]);
  };
  for (const name of [...controlPlaneArchives, "coredns"])
    await archive(name, [{ name: wanted(name), entrypoint: [name] }], program(name));

  const base = imageFolder();
  await archive("kube-proxy", [{ name: wanted("kube-proxy"), entrypoint: ["kube-proxy"] }], async (root) => {
    const links = /^ip6?tables(-nft)?(-save|-restore)?$/;
    const names = ["usr/sbin", "etc/alternatives"].flatMap((folder) => filesIn(base, folder, links));
    const extensions = filesIn(base, `${libraryFolder}/xtables`, /\.so$/);
    await copyWithLibraries(base, ["usr/sbin/xtables-nft-multi", ...extensions], names, root);
    await program("kube-proxy")(root);
  });
  const hasPause = existsSync(join(programs, "bin/pause"));
  await archive("pause", [{ name: wanted("pause"), entrypoint: hasPause ? ["pause"] : idle }], (root) =>
    hasPause ? program("pause")(root) : addBusybox(debian, root),
  );
  await archive("shell", [{ name: shellImage, entrypoint: ["sh"] }], (root) => addBusybox(debian, root));
  await archive("workload", workloadImages, (root) => makeWorkloadRoot(debian, root));
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
    ...[workloadRecipe, workloadImages, idle, sharedArchives, controlPlaneArchives],
  ]);
  const title = `Kubernetes ${version}`;
  const image = { folder: join(imagesFolder(), `kubernetes-${digest(recipe)}`), version };
  const build = async (folder: string, cgroup: string) => {
    const debian = join(folder, "debian");
    mkdirSync(join(folder, "archives"), { recursive: true });
    // `extract` unpacks without running anything of the packages.
    const options = ["--variant=extract", "--mode=root", "--format=directory", "--components=main"];
    const packages = [...nodePackages, ...workloadPackages];
    await debianTree({ title, folder: debian, options, packages }, cgroup, progress);
    await makeNodeRoot(programs, debian, programsRoot(folder), wanted("pause"));
    progress(`${title}: container images`);
    await makeArchives(programs, debian, join(folder, "archives"), wanted);
    await run(["rm", "-rf", "--one-file-system", "--", debian]);
  };
  await buildOnce({ title, folder: image.folder, takes: "about a minute", build }, progress);
  return image;
}
