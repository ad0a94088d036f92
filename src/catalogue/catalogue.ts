import { fileURLToPath, pathToFileURL } from "node:url";
import type { Break, BreakDefinition } from "./break.ts";
import { asBreak } from "./commands.ts";
import { type BreakModule, modulesIn } from "./modules.ts";

export interface Catalogue {
  /** By id, in the order of their ids. */
  readonly breaks: ReadonlyMap<string, Break>;
}

/** The folder of the breaks that come with kbreak, beside the sources or the compiled modules. */
const folder = fileURLToPath(new URL("../../breaks", import.meta.url));

/** `.ts` when run from the sources, `.js` when compiled. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));

const ours = () => modulesIn(folder, [extension]);

/**
 * The ids of all breaks, without loading any.
 * @param foreign A folder of the user's own breaks, beside those of kbreak.
 */
export async function breakIds(foreign?: string): Promise<readonly string[]> {
  const theirs = foreign === undefined ? [] : (await import("./foreign.ts")).foreignModules(foreign);
  return [...ours(), ...theirs].map(({ id }) => id).sort();
}

/**
 * Finds and loads every break.
 * @param foreign A folder of the user's own breaks, beside those of kbreak. Their modules are run.
 * @throws ConfigError with all that is wrong with the user's own breaks.
 */
export async function loadCatalogue(foreign?: string): Promise<Catalogue> {
  const own = await Promise.all(ours().map(loaded));
  const breaks = new Map(own.map((found) => [found.id, found]));
  if (foreign === undefined) return { breaks };
  const theirs = await (await import("./foreign.ts")).loadForeign(foreign, new Set(breaks.keys()));
  const all = [...own, ...theirs].sort((one, other) => one.id.localeCompare(other.id));
  return { breaks: new Map(all.map((found) => [found.id, found])) };
}

async function loaded(module: BreakModule): Promise<Break> {
  const { default: definition } = (await import(pathToFileURL(module.file).href)) as {
    default: BreakDefinition;
  };
  return asBreak(definition, module);
}
