import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Where a break's module is, and what that makes it. */
export interface BreakModule {
  /** `<layer>/<name>`. */
  readonly id: string;
  readonly layer: string;
  /** Absolute when the folder is. */
  readonly file: string;
}

/** What an id, `<layer>/<name>`, is made of. */
export const idPattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*\/[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** The modules `<layer>/<name><extension>` below a folder, in the order of their ids; none when there is no folder. */
export function modulesIn(folder: string, extensions: readonly string[]): readonly BreakModule[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name))
    .flatMap(({ name: layer }) =>
      readdirSync(join(folder, layer)).flatMap((name) => {
        const extension = extensions.find((one) => name.endsWith(one) && !name.endsWith(`.d${one}`));
        if (extension === undefined) return [];
        const id = `${layer}/${name.slice(0, -extension.length)}`;
        return [{ id, layer, file: join(folder, layer, name) }];
      }),
    )
    .sort((one, other) => one.id.localeCompare(other.id));
}
