import type { Break, ParameterSchema } from "../catalogue/break.ts";
import { dangerInWords } from "../operations/operation.ts";

/** A part of a break's page: running text, a numbered list, lines to type, or terms with their explanation. */
export type Section = { readonly title: string } & (
  | { readonly text: readonly string[] }
  | { readonly numbered: readonly string[] }
  | { readonly code: readonly string[] }
  | { readonly terms: readonly (readonly [term: string, meaning: string])[] }
);

/** Everything that the page of a break says, in its order; the manual page and the documentation are made of it. */
export function sectionsOf(found: Break): readonly Section[] {
  const parameters = Object.entries(found.parameters.properties);
  return [
    { title: "Summary", text: [found.summary] },
    { title: "What is seen", text: [found.sees] },
    {
      title: "Parameters",
      terms: parameters.map(([name, schema]) => [name, `${schema.description} ${typeOf(schema)}`] as const),
    },
    { title: "Needs", text: needsInWords(found) },
    {
      title: "Dangers",
      terms: (found.dangers ?? []).map((danger) => [danger, `It ${dangerInWords[danger]}.`] as const),
    },
    { title: "A reboot", text: [rebootInWords[found.reboot]] },
    { title: "Hints", numbered: found.hints },
    { title: "Find it", code: found.find },
    { title: "Fix it", code: found.fix },
    { title: "Metric", text: [found.metric] },
    { title: "Prevention", text: [found.prevention] },
    { title: "Difficulty", text: [found.difficulty] },
    { title: "Source", text: [found.source] },
    { title: "Example", code: examplesOf(found) },
  ].filter((section) => Object.values(section).every((part) => part.length > 0)) as readonly Section[];
}

/** What a fixer may know of a break that is to be found: what is seen of it, and the vaguest of its hints. */
export function harmlessSectionsOf(found: Break): readonly Section[] {
  return [
    { title: "What is seen", text: [found.sees] },
    { title: "First hint", text: found.hints.slice(0, 1) },
    { title: "Difficulty", text: [found.difficulty] },
  ];
}

/** Also what is said of a break in data, without spoilers. */
export function harmlessDataOf({ id, layer, difficulty, sees, hints }: Break) {
  return { id, layer, difficulty, sees, hint: hints[0], hints: hints.length };
}

const rebootInWords = {
  survives: "The break survives a reboot of the node.",
  vanishes: "A reboot of the node ends the break.",
  "re-arms": "A reboot of the node arms the break anew.",
  bricks: "The node does not come back from a reboot while the break is in effect.",
} as const satisfies Readonly<Record<Break["reboot"], string>>;

function needsInWords({ needs = {} }: Break): readonly string[] {
  const { roles = [], commands = [], units = [], kernel } = needs;
  return [
    ...(roles.length > 0 ? [`A ${roles.join(" or ")} node.`] : []),
    ...(commands.length > 0 ? [`Programs on the node: ${commands.join(", ")}.`] : []),
    ...(units.length > 0 ? [`Units that run: ${units.join(", ")}.`] : []),
    ...(kernel === "own" ? ["A kernel of the node's own."] : []),
  ];
}

function typeOf({ type, items, enum: words, minimum, maximum, default: preset }: ParameterSchema): string {
  const what = words ? words.join(" | ") : type === "array" ? `list of ${items?.type ?? "values"}` : type;
  const range =
    minimum === undefined && maximum === undefined ? "" : ` ${minimum ?? "…"} to ${maximum ?? "…"}`;
  return `(${what}${range}; default: ${JSON.stringify(preset)})`;
}

function examplesOf({ id, parameters }: Break): readonly string[] {
  const [first] = Object.entries(parameters.properties);
  const given = first === undefined ? "" : ` --param ${first[0]}=${wordFor(first[1].default)}`;
  return [`kbreak plan ${id}`, `kbreak apply ${id} --limit cp1${given}`];
}

/** A parameter's value as one word of a command line. */
function wordFor(value: ParameterSchema["default"]): string {
  const text = Array.isArray(value) ? value.join(",") : String(value);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
