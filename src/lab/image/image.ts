import { join } from "node:path";
import { KbreakError } from "../../errors.ts";
import { attempt, run } from "../command.ts";
import { within } from "../host/cgroup.ts";
import { writeTree } from "../tree.ts";
import type { Progress } from "../types.ts";
import { buildOnce, digest, imagesFolder } from "./build.ts";
import { added, mmdebstrapOptions, packages, removed, suite } from "./recipe.ts";

/** The folder of the base image. Its name is a hash of all that goes into it, so that another recipe is another image. */
export function imageFolder(): string {
  const recipe = JSON.stringify([suite, packages, mmdebstrapOptions, removed, added]);
  return join(imagesFolder(), `base-${digest(recipe)}`);
}

export interface DebianTree {
  /** What it is for, for a person. */
  readonly title: string;
  readonly folder: string;
  readonly options: readonly string[];
  readonly packages: readonly string[];
}

/**
 * Puts packages of Debian, with all that they need, into a new folder.
 * @throws KbreakError when they cannot be had.
 */
export async function debianTree(tree: DebianTree, cgroup: string, progress: Progress): Promise<void> {
  const argv = [
    // What it mounts must not stay when it is killed.
    ...["unshare", "--mount", "--propagation", "private"],
    "mmdebstrap",
    ...tree.options,
    `--include=${tree.packages.join(",")}`,
    suite,
    tree.folder,
  ];
  const onLine = (line: string) => {
    if (line.startsWith("I: ") && !line.includes("--customize-hook"))
      progress(`${tree.title}: ${line.slice(3)}`);
  };
  const { code, stderr } = await attempt(within(cgroup, argv), { onLine });
  if (code === 0) return;
  const said = stderr.trim().split("\n").slice(-15).join("\n");
  throw new KbreakError(`${tree.title}: it could not be built (mmdebstrap, exit code ${code}):\n${said}`, {
    hint: "it needs a Debian mirror: check the network and the proxy settings (http_proxy), then try again",
  });
}

/**
 * Gives the folder of the base image of all nodes; builds it when it is not in the cache, which takes about a minute.
 * @throws KbreakError when it cannot be built.
 */
export function ensureImage(progress: Progress): Promise<string> {
  const title = "base image";
  const build = async (folder: string, cgroup: string) => {
    await debianTree({ title, folder, options: mmdebstrapOptions, packages }, cgroup, progress);
    await run(["rm", "-rf", "--", ...removed.map((path) => join(folder, path))]);
    writeTree(folder, added);
  };
  return buildOnce({ title, folder: imageFolder(), takes: "about a minute", build }, progress);
}
