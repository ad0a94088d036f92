import { join, resolve } from "node:path";
import envPaths from "env-paths";

/** Where kbreak keeps what must last: labs and undo logs. `KBREAK_DATA_DIR`, else the XDG data folder. Absolute, as it becomes part of inventories. */
export function dataFolder(): string {
  return resolve(process.env.KBREAK_DATA_DIR || envPaths("kbreak", { suffix: "" }).data);
}

/** Where kbreak keeps what can be made again: base images. `KBREAK_CACHE_DIR`, else the XDG cache folder. */
export function cacheFolder(): string {
  return resolve(process.env.KBREAK_CACHE_DIR || envPaths("kbreak", { suffix: "" }).cache);
}

/** The folder of all that belongs to the lab `name`; `labDown` removes it. */
export function labFolder(name: string): string {
  return join(dataFolder(), "lab", name);
}
