import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { run } from "../command.ts";
import { cacheFolder } from "../folders.ts";
import { cgroupRoot, killCgroup } from "../host/cgroup.ts";
import { withLock } from "../lock.ts";
import type { Progress } from "../types.ts";

/** A short hash of text, for the name of what is made from it. */
export const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 12);

/** Where everything is kept that is made once for all labs. */
export function imagesFolder(): string {
  return join(cacheFolder(), "lab");
}

async function removeUnfinished(): Promise<void> {
  const names = readdirSync(imagesFolder()).filter((name) => name.endsWith(".tmp"));
  if (names.length === 0) return;
  await run(["rm", "-rf", "--one-file-system", "--", ...names.map((name) => join(imagesFolder(), name))]);
}

export interface Building {
  /** What is being made, for a person. */
  readonly title: string;
  /** Absolute path of the folder to make, in {@link imagesFolder}; what is there is never made again. */
  readonly folder: string;
  /** About how long it takes, for a person. */
  readonly takes: string;
  /** Makes it in `unfinished`; all that it starts belongs into `cgroup`, where it is ended in any case. */
  readonly build: (unfinished: string, cgroup: string) => Promise<void>;
}

/**
 * Makes a folder of the cache unless it is there: whole or not at all, and once, whoever else is asking for it.
 * @throws whatever `build` throws.
 */
export async function buildOnce(building: Building, progress: Progress): Promise<string> {
  const { title, folder, takes, build } = building;
  if (existsSync(folder)) return folder;
  // Set-uid programs of an image are not for the users of this host.
  mkdirSync(imagesFolder(), { recursive: true, mode: 0o700 });
  const lock = join(imagesFolder(), "lock");
  const onWait = () => progress(`${title}: another process is at work; waiting`);
  await withLock(lock, onWait, async () => {
    if (existsSync(folder)) return;
    const cgroup = join(cgroupRoot() ?? "", `kb-image-${digest(imagesFolder())}`);
    // Whoever was killed while building had the lock, but what it had started did not end with it.
    await killCgroup(cgroup);
    await removeUnfinished();
    progress(`${title}: not in the cache; building it, which takes ${takes}`);
    const begin = Date.now();
    const unfinished = `${folder}.tmp`;
    try {
      await build(unfinished, cgroup);
      renameSync(unfinished, folder);
    } finally {
      await killCgroup(cgroup);
      await removeUnfinished();
    }
    progress(`${title}: ready after ${Math.round((Date.now() - begin) / 1000)} s`);
  });
  return folder;
}
