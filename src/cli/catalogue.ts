import type { Catalogue } from "../catalogue/catalogue.ts";

/**
 * The folder of the user's own breaks, which `--breaks` or the environment names; `undefined`: there is none. Only the
 * person at the command line names it, never a playbook or an inventory: its modules are run here.
 */
export function foreignBreaks(): string | undefined {
  return process.env.KBREAK_BREAKS || undefined;
}

/** kbreak's breaks and the user's own. @throws ConfigError with all that is wrong with the user's own. */
export async function openCatalogue(): Promise<Catalogue> {
  return (await import("../catalogue/catalogue.ts")).loadCatalogue(foreignBreaks());
}
