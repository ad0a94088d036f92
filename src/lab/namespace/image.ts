import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { KbreakError } from "../../errors.ts";
import { attempt, run } from "../command.ts";
import { cacheFolder } from "../folders.ts";
import { withLock } from "../lock.ts";
import { writeTree } from "../tree.ts";
import type { Progress } from "../types.ts";
import { cgroupRoot, killCgroup, within } from "./cgroup.ts";
import { added, mmdebstrapOptions, packages, removed, suite } from "./image-recipe.ts";

const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 12);

function imagesFolder(): string {
  return join(cacheFolder(), "lab");
}

/** The folder of the base image. Its name is a hash of all that goes into it, so that another recipe is another image. */
export function imageFolder(): string {
  const recipe = JSON.stringify([suite, packages, mmdebstrapOptions, removed, added]);
  return join(imagesFolder(), `base-${digest(recipe)}`);
}

async function removeUnfinished(): Promise<void> {
  const names = readdirSync(imagesFolder()).filter((name) => name.endsWith(".tmp"));
  if (names.length === 0) return;
  await run(["rm", "-rf", "--one-file-system", "--", ...names.map((name) => join(imagesFolder(), name))]);
}

async function build(image: string, cgroup: string, progress: Progress): Promise<void> {
  const folder = `${image}.tmp`;
  const argv = [
    // What it mounts must not stay when it is killed.
    ...["unshare", "--mount", "--propagation", "private"],
    "mmdebstrap",
    ...mmdebstrapOptions,
    `--include=${packages.join(",")}`,
    suite,
    folder,
  ];
  const onLine = (line: string) => {
    if (line.startsWith("I: ") && !line.includes("--customize-hook"))
      progress(`base image: ${line.slice(3)}`);
  };
  const { code, stderr } = await attempt(within(cgroup, argv), { onLine });
  if (code !== 0) {
    const said = stderr.trim().split("\n").slice(-15).join("\n");
    throw new KbreakError(
      `the base image of the nodes could not be built (mmdebstrap, exit code ${code}):\n${said}`,
      {
        hint: "it needs a Debian mirror: check the network and the proxy settings (http_proxy), then try again",
      },
    );
  }
  await run(["rm", "-rf", "--", ...removed.map((path) => join(folder, path))]);
  writeTree(folder, added);
  renameSync(folder, image);
}

/**
 * Gives the folder of the base image; builds it when it is not in the cache, which takes about a minute.
 * @throws KbreakError when it cannot be built.
 */
export async function ensureImage(progress: Progress): Promise<string> {
  const image = imageFolder();
  if (existsSync(image)) return image;
  // Set-uid programs of an image are not for the users of this host.
  mkdirSync(imagesFolder(), { recursive: true, mode: 0o700 });
  const lock = join(imagesFolder(), "lock");
  const onWait = () => progress("base image: another process is building it; waiting");
  await withLock(lock, onWait, async () => {
    if (existsSync(image)) return;
    const cgroup = join(cgroupRoot() ?? "", `kb-image-${digest(imagesFolder())}`);
    // Whoever was killed while building had the lock, but mmdebstrap did not end with it.
    await killCgroup(cgroup);
    await removeUnfinished();
    progress("base image: not in the cache; building it, which takes about a minute");
    const begin = Date.now();
    try {
      await build(image, cgroup, progress);
    } finally {
      await killCgroup(cgroup);
      await removeUnfinished();
    }
    progress(`base image: ready after ${Math.round((Date.now() - begin) / 1000)} s`);
  });
  return image;
}
