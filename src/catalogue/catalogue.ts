import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Break, BreakDefinition } from "./break.ts";

export interface Catalogue {
  /** By id, in the order of their ids. */
  readonly breaks: ReadonlyMap<string, Break>;
}

/** The folder of the breaks that come with kbreak, beside the sources or the compiled modules. */
const folder = fileURLToPath(new URL("../../breaks", import.meta.url));

/** `.ts` when run from the sources, `.js` when compiled. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));

function modules(): readonly { readonly id: string; readonly layer: string; readonly file: string }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((layer) =>
      readdirSync(join(folder, layer.name))
        .filter((name) => name.endsWith(extension) && !name.endsWith(".d.ts"))
        .map((name) => ({
          id: `${layer.name}/${name.slice(0, -extension.length)}`,
          layer: layer.name,
          file: join(folder, layer.name, name),
        })),
    )
    .sort((one, other) => one.id.localeCompare(other.id));
}

/** The ids of all breaks, without loading any. */
export function breakIds(): readonly string[] {
  return modules().map((module) => module.id);
}

/** Finds and loads every break. */
export async function loadCatalogue(): Promise<Catalogue> {
  const loaded = await Promise.all(
    modules().map(async (module) => {
      const { default: definition } = (await import(pathToFileURL(module.file).href)) as {
        default: BreakDefinition;
      };
      return [module.id, { ...definition, ...module }] as const;
    }),
  );
  return { breaks: new Map<string, Break>(loaded) };
}
