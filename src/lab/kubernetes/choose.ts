import { PreconditionError, UsageError } from "../../errors.ts";
import type { NodeCount } from "../nodes.ts";
import { formatNodeCount } from "../nodes.ts";
import type { ProviderWish } from "../providers.ts";
import type { Lab, LabKubernetes, Progress } from "../types.ts";
import { officialPrograms } from "./official.ts";
import { ensureProgramImage } from "./program-image.ts";
import { cachedPrograms, givenPrograms } from "./programs.ts";
import { ensureSavedCluster } from "./saved-cluster.ts";

/** What `--kubernetes` says. */
export interface KubernetesWish {
  /** A folder with the programs of a Kubernetes; default: the newest in the cache, else an official release. */
  readonly binaries?: string;
}

/**
 * Refuses what a lab with a Kubernetes cannot be.
 * @param had The lab as it is, if it is.
 * @throws PreconditionError, UsageError
 */
export function checkKubernetes(
  name: string,
  had: Pick<Lab, "kubernetes" | "count"> | undefined,
  wish: KubernetesWish | undefined,
  count: NodeCount,
  provider: ProviderWish | undefined,
): void {
  if (wish === undefined && had?.kubernetes === undefined) return;
  const anew = (options: string) =>
    `kbreak lab down --name ${name} && kbreak lab up --name ${name} ${options}`;
  if (had !== undefined && had.kubernetes === undefined) {
    throw new PreconditionError(
      `lab ${name} has no Kubernetes, and its nodes stay what they are: --kubernetes is for a new lab`,
      { hint: `kbreak lab up --name NAME --kubernetes, or ${anew("--kubernetes")}` },
    );
  }
  if (provider?.provider === "vm") {
    throw new UsageError(
      `lab ${name} ${had === undefined ? "is to have" : "has"} a Kubernetes, whose nodes are namespace nodes: --provider vm is not for it`,
      { hint: "leave --provider out, or choose another --name" },
    );
  }
  if (count.controlPlanes > 1) {
    throw new UsageError(`--nodes ${formatNodeCount(count)}: a lab with a Kubernetes has one control plane`, {
      hint: `--nodes 1+${count.workers}`,
    });
  }
  if (had !== undefined && formatNodeCount(had.count) !== formatNodeCount(count)) {
    throw new PreconditionError(
      `lab ${name} has a Kubernetes of ${formatNodeCount(had.count)} nodes, and keeps its size`,
      { hint: anew(`--kubernetes --nodes ${formatNodeCount(count)}`) },
    );
  }
}

/**
 * Makes ready what a new lab with a Kubernetes goes on from: the programs, what nodes are made of, the saved cluster.
 * @throws KbreakError when it cannot be had.
 */
export async function prepareKubernetes(
  wish: KubernetesWish,
  count: NodeCount,
  progress: Progress,
): Promise<LabKubernetes> {
  const programs =
    wish.binaries === undefined
      ? (cachedPrograms() ?? (await officialPrograms(progress)))
      : givenPrograms(wish.binaries);
  const image = await ensureProgramImage(programs, progress);
  const saved = await ensureSavedCluster(image, count, progress);
  return { version: image.version, programs: image.folder, saved };
}
