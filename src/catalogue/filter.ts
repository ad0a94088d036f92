import { UsageError } from "../errors.ts";
import { didYouMean } from "../schema.ts";
import type { Break } from "./break.ts";

/** What breaks are asked for by. Of each list one has to fit; an absent one fits every break. */
export interface BreakFilter {
  readonly layer?: readonly string[];
  readonly difficulty?: readonly string[];
  /** Words of the source, in upper or lower case. */
  readonly source?: readonly string[];
  /** As {@link needsOf} says them; a unit also without its `.service`. */
  readonly needs?: readonly string[];
}

/** What a break needs of a node, in words: roles, programs, units, `own-kernel`. */
export function needsOf({ needs = {} }: Pick<Break, "needs">): readonly string[] {
  const { roles = [], commands = [], units = [], kernel } = needs;
  return [...roles, ...commands, ...units, ...(kernel === "own" ? ["own-kernel"] : [])];
}

/**
 * The breaks that a filter fits.
 * @throws UsageError for a layer, difficulty or need that no break has at all: it is misspelt.
 */
export function filtered(breaks: readonly Break[], wanted: BreakFilter): readonly Break[] {
  const short = (unit: string) => unit.replace(/\.service$/, "");
  const wordsOf = {
    layer: ({ layer }: Break) => [layer],
    difficulty: ({ difficulty }: Break) => [difficulty],
    needs: (found: Break) => needsOf(found).flatMap((need) => [need, short(need)]),
  } as const;
  const facets = Object.entries(wordsOf).map(([name, words]) => {
    const asked = wanted[name as keyof typeof wordsOf];
    const known = new Set(breaks.flatMap(words));
    for (const word of asked ?? [])
      if (!known.has(word))
        throw new UsageError(`no break has the ${name} \`${word}\`${didYouMean(word, known)}`, {
          hint: `these are there: ${[...known].sort().join(", ")}`,
        });
    return (found: Break) => asked === undefined || words(found).some((word) => asked.includes(word));
  });
  const sources = wanted.source?.map((text) => text.toLowerCase());
  const hasSource = ({ source }: Break) =>
    sources === undefined || sources.some((text) => source.toLowerCase().includes(text));
  return breaks.filter((found) => hasSource(found) && facets.every((fits) => fits(found)));
}
