import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Jiti } from "jiti";
import { ConfigError, type Problem, UsageError } from "../errors.ts";
import { validator } from "../schema.ts";
import type { Break, BreakDefinition } from "./break.ts";
import { asBreak } from "./commands.ts";
import { definitionFindings } from "./definition.ts";
import { guarded } from "./guarded.ts";
import { type BreakModule, idPattern, modulesIn } from "./modules.ts";
import { located, thrown } from "./source-lines.ts";

const extensions = [".ts", ".js", ".mjs"];

/**
 * The modules in a folder of the user's own breaks: `<layer>/<name>.ts`, `.js` or `.mjs`.
 * @throws UsageError when it is no folder.
 */
export function foreignModules(folder: string): readonly BreakModule[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new UsageError(`there is no folder of breaks at ${folder}`, {
      hint: "--breaks (or $KBREAK_BREAKS) names a folder that holds <layer>/<name>.ts",
    });
  return modulesIn(resolve(folder), extensions);
}

/**
 * Loads the user's own breaks. Their modules are code, and are run; `kbreak` in them is this kbreak.
 * @param taken The ids of kbreak's own breaks.
 * @throws UsageError when it is no folder. @throws ConfigError with all that is wrong with any of them.
 */
export async function loadForeign(folder: string, taken: ReadonlySet<string>): Promise<readonly Break[]> {
  const modules = foreignModules(folder);
  const load = await loader();
  const validate = await validator();
  const tried = await Promise.all(modules.map((module) => loadOne(module, load)));
  const problems = [
    ...modules.flatMap((module, index) => clash(module, modules.slice(0, index), taken)),
    ...tried.flatMap((one) => one.problems),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  return tried.flatMap(({ found }) => (found === undefined ? [] : [guarded(found, validate)]));
}

/** jiti takes the types out of TypeScript and runs the module; nothing is written to the disk. */
async function loader(): Promise<Jiti> {
  const [{ createJiti }, sdk] = await Promise.all([import("jiti"), import("../sdk.ts")]);
  return createJiti(import.meta.url, {
    fsCache: false,
    interopDefault: false,
    // The folder needs no node_modules, and what a break makes comes from the kbreak that runs it.
    virtualModules: { kbreak: sdk },
  });
}

interface Tried {
  readonly found?: Break;
  readonly problems: readonly Problem[];
}

async function loadOne(module: BreakModule, jiti: Jiti): Promise<Tried> {
  let definition: unknown;
  try {
    definition = (await jiti.import<{ readonly default?: unknown }>(module.file)).default;
  } catch (error) {
    return { problems: [thrown(module.file, error)] };
  }
  const findings = await definitionFindings(definition);
  const source = readFileSync(module.file, "utf8");
  const problems = findings.map((one) => located(module.file, source, one));
  if (problems.length > 0)
    return { problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column) };
  return { found: asBreak(definition as BreakDefinition, module), problems: [] };
}

function clash(
  { id, file }: BreakModule,
  earlier: readonly BreakModule[],
  taken: ReadonlySet<string>,
): readonly Problem[] {
  const problem = (message: string) => [{ file, line: 1, column: 1, message }];
  if (!idPattern.test(id))
    return problem(`\`${id}\` is no id of a break: lower case words with dashes, as in files/immutable`);
  if (taken.has(id)) return problem(`\`${id}\` is a break of kbreak's own; give the file another name`);
  const other = earlier.find((one) => one.id === id);
  return other === undefined ? [] : problem(`\`${id}\` is there twice: ${other.file} has this id too`);
}
