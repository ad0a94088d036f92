import type { Break } from "../src/catalogue/break.ts";
import { loadCatalogue } from "../src/catalogue/catalogue.ts";
import { type Section, sectionsOf } from "../src/render/break-sections.ts";

/** Where the pages are, in the project. */
export const docsFolder = "docs/breaks";

/** The documents that breaks come from, by what a break's `source` calls them. */
const documents: readonly (readonly [name: string, called: RegExp])[] = [
  ["Klustered: Advanced Cluster Triage (learning path)", /klustered path/i],
  ["Klustered, the episodes", /klustered(?! path)/i],
  ["What David Flanagan Learned Fixing Kubernetes Clusters", /flanagan/i],
  ["Kubernetes Bare Metal Deep Dive", /bare metal/i],
  ["Kubernetes Day 2 Operations", /day 2/i],
  ["Advanced Kubernetes Cluster Troubleshooting & Crash Diagnostics", /lesson 07/i],
];

/** The pages of the breaks and their index, by their path in the project. All that they say is in the breaks' modules. */
export async function docs(): Promise<ReadonlyMap<string, string>> {
  const breaks = [...(await loadCatalogue()).breaks.values()];
  return new Map([
    [`${docsFolder}/README.md`, index(breaks)],
    ...breaks.map((found) => [`${docsFolder}/${found.id}.md`, page(found)] as const),
  ]);
}

function page(found: Break): string {
  const { layer, id, title } = found;
  const name = id.slice(layer.length + 1);
  return [
    `# ${title}`,
    `\`${id}\` ([all breaks](../README.md); made by \`npm run docs\` from [its module](../../../breaks/${layer}/${name}.ts))`,
    ...sectionsOf(found).map((section) => `## ${section.title}\n\n${body(section)}`),
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

function body(section: Section): string {
  if ("text" in section) return section.text.map(plain).join("\n\n");
  if ("numbered" in section)
    return section.numbered.map((text, at) => `${at + 1}. ${plain(text)}`).join("\n");
  if ("code" in section) return `\`\`\`sh\n${section.code.join("\n")}\n\`\`\``;
  return section.terms.map(([term, meaning]) => `- \`${term}\`: ${plain(meaning)}`).join("\n");
}

function index(breaks: readonly Break[]): string {
  const layers = [...new Set(breaks.map(({ layer }) => layer))];
  const sources = documents.map(
    ([name, called]) => [name, breaks.filter(({ source }) => called.test(source))] as const,
  );
  const others = breaks.filter(({ source }) => documents.every(([, called]) => !called.test(source)));
  return [
    "# All breaks",
    "Made by `npm run docs` from the modules in [breaks/](../../breaks); `kbreak breaks show ID` says the same.",
    "# By layer",
    ...layers.map((layer) => `## ${layer}\n\n${table(breaks.filter((found) => found.layer === layer))}`),
    "# By source",
    ...[...sources, ["Others", others] as const].flatMap(([name, found]) =>
      found.length === 0 ? [] : [`## ${name}\n\n${found.map(item).join("\n")}`],
    ),
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

function table(breaks: readonly Break[]): string {
  return [
    "| break | what | difficulty | after a reboot |",
    "| --- | --- | --- | --- |",
    ...breaks.map(
      (found) => `| ${link(found)} | ${plain(found.title)} | ${found.difficulty} | ${found.reboot} |`,
    ),
  ].join("\n");
}

const item = (found: Break) => `- ${link(found)}: ${plain(found.title)} (${plain(found.source)})`;

const link = ({ id }: Break) => `[${id}](${id}.md)`;

/** Text as Markdown that reads the same; what stands between backticks is left as it is. */
function plain(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, at) => (at % 2 === 1 ? part : part.replaceAll(/[\\*[\]<>|]|(?<!\w)_|_(?!\w)/g, "\\$&")))
    .join("");
}
