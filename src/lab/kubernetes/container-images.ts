import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { KbreakError } from "../../errors.ts";
import type { Role } from "../../inventory/types.ts";
import { run } from "../command.ts";
import { imageFolder } from "../image/image.ts";
import type { Image } from "./archive.ts";
import { writeArchive } from "./archive.ts";
import { copyWithLibraries, filesIn, libraryFolder } from "./libraries.ts";
import {
  addBusybox,
  makeWorkloadRoot,
  shellImage,
  workloadImages,
  workloadRecipe,
} from "./workload-image.ts";

const sharedArchives = ["kube-proxy", "coredns", "pause", "shell"];
const controlPlaneArchives = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/** The client in the official image of etcd is how a node without etcdctl asks it. */
const companions: Readonly<Record<string, readonly string[]>> = { etcd: ["etcdctl"] };

/**
 * The files of the container images that a node has.
 * @param folder Where {@link makeArchives} has made them.
 * @param works True: the cluster's workload may run on it.
 */
export function archivesFor(folder: string, role: Role, works: boolean): readonly string[] {
  const names = [
    ...sharedArchives,
    ...(role === "control-plane" ? controlPlaneArchives : []),
    ...(works ? ["workload"] : []),
  ];
  return names.map((name) => join(folder, `${name}.tar`));
}

/**
 * The names of the container images that this kubeadm wants, by the last part: `etcd` → `registry.k8s.io/etcd:3.7.0-0`.
 * @throws KbreakError for an image that it does not want.
 */
export async function wantedImages(programs: string, version: string): Promise<(name: string) => string> {
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

// A process that does nothing until it is told to end, and waits for the children that others have left to it.
const idle = ["sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"];

/** All that decides about the archives beside the programs and the base image, for the name of what is made of them. */
export const archivesRecipe = [
  ...[workloadRecipe, workloadImages, idle, sharedArchives, controlPlaneArchives, companions],
] as const;

/**
 * Makes the archives of all container images in `folder`.
 * @param debian Unpacked Debian packages.
 * @param wanted See {@link wantedImages}.
 */
export async function makeArchives(
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
    const files = [name, ...(companions[name] ?? [])].map((each) => join(programs, "bin", each));
    await run(["cp", ...files, join(root, "usr/local/bin")]);
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
