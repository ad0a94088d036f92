import { isDeepStrictEqual } from "node:util";
import { type Section, sections } from "./options.ts";
import type { Results } from "./results.ts";

/** What has to be the same for figures to stand beside each other. */
const surroundings = ({ rounds, machine: { load: _load, ...machine } }: Results) => ({ rounds, machine });

/** The sections that a run has measured itself. */
function ownSections(results: Results): readonly Section[] {
  const kept = new Set(results.kept?.flatMap((part) => part.sections));
  return sections.filter((name) => results[name] !== undefined && !kept.has(name));
}

/**
 * A run's results with the sections that it left out, where an earlier run has them, of the same machine, versions and
 * number of rounds. What this run has tried and could not measure stays missing.
 */
export function withKept(now: Results, earlier: Results | undefined, tried: readonly Section[]): Results {
  if (earlier === undefined || !isDeepStrictEqual(surroundings(now), surroundings(earlier))) return now;
  const { command, date, seconds } = earlier;
  const parts = [{ sections: ownSections(earlier), command, date, seconds }, ...(earlier.kept ?? [])];
  const kept = parts
    .map((part) => ({ ...part, sections: part.sections.filter((name) => !tried.includes(name)) }))
    .filter((part) => part.sections.length > 0);
  if (kept.length === 0) return now;
  const names = kept.flatMap((part) => part.sections);
  return { ...now, ...Object.fromEntries(names.map((name) => [name, earlier[name]])), kept };
}
