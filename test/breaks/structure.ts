import { readFileSync } from "node:fs";
import { basename, relative } from "node:path";
import type { Break } from "../../src/catalogue/break.ts";
import { definitionFindings } from "../../src/catalogue/definition.ts";
import { idPattern } from "../../src/catalogue/modules.ts";
import { located } from "../../src/catalogue/source-lines.ts";
import type { Facts } from "../../src/facts.ts";
import { kindOf, kinds } from "../../src/operations/index.ts";
import { validator } from "../../src/schema.ts";
import { specialPrograms } from "./command-line.ts";

/** Lines that a person reads in a minute; prose is read faster, and not counted. */
const LINES = 70;

const prose = /^ {2}(title|summary|difficulty|source|reboot|sees|hints|find|fix|metric|prevention):/;

/** A plain hint names what to type or where to look. */
const plain = /[`/=-]\w|\.\w+|\w+ (list|show|status)\b/;

/** All that is wrong with a break's module as it is written, as `file:line: what`; for what it does there is the proof. */
export async function structureProblems(found: Break, facts: Facts): Promise<readonly string[]> {
  const source = readFileSync(found.file, "utf8");
  const { id, layer: _layer, file, commands: _commands, ...definition } = found;
  const name = relative(process.cwd(), file);
  const findings = (await definitionFindings(definition)).map((finding) => {
    const { line, message } = located(file, source, finding);
    return `${name}:${line}: ${message}`;
  });
  if (findings.length > 0) return findings;
  const wrong = [
    ...(idPattern.test(id) ? [] : [`\`${id}\` is no id`]),
    ...sourceProblems(source),
    ...(/\b[A-Z]\d\d\b|\bseed\b/.test(found.source)
      ? ["its source is a row of notes, which a reader does not have: name the episode or the document"]
      : []),
    ...hintProblems(found),
    ...(await operationProblems(found, facts)),
  ];
  return wrong.map((what) => `${name}: ${what}`);
}

function sourceProblems(source: string): readonly string[] {
  const imports = [...source.matchAll(/^\s*(?:import|export)\b[^;]*?from\s+["']([^"']+)["']/gm)].map(
    ([, from = ""]) => from,
  );
  const foreign = imports.filter((from) => from !== "kbreak");
  const reaching =
    /\bimport\s*\(|\brequire\s*\(|import\s+["']|import\.meta|child_process|\bnode:|\bglobalThis\b|\bprocess\.\w|\b(eval|fetch|Function)\s*\(/.exec(
      source,
    );
  const length = linesOf(source);
  return [
    ...foreign.map((from) => `it imports ${from}; a break imports kbreak and nothing else`),
    ...(reaching ? [`\`${reaching[0]}\`: a break reaches neither files nor processes of this machine`] : []),
    ...(length > LINES
      ? [
          `${length} lines without its prose, more than ${LINES}: what two breaks share is a helper of the sdk`,
        ]
      : []),
  ];
}

/** Lines that are code: neither prose nor blank nor comment. */
function linesOf(source: string): number {
  let isProse = false;
  return source.split("\n").filter((line) => {
    if (/^ {0,2}\S/.test(line) && !/^ {2}[\])}]/.test(line)) isProse = prose.test(line);
    return !isProse && line.trim() !== "" && !/^\s*(\/\/|\/\*|\*)/.test(line);
  }).length;
}

function hintProblems({ hints }: Break): readonly string[] {
  return [
    ...(plain.test(hints[0] ?? "")
      ? ["the first hint says too much: it names what to type or where to look"]
      : []),
    ...(plain.test(hints.at(-1) ?? "") ? [] : ["the last hint does not say what to type or where to look"]),
  ];
}

/** What it would do on a node of kubeadm's, as far as it is for one that is made so. */
async function operationProblems(found: Break, facts: Facts): Promise<readonly string[]> {
  const params = Object.fromEntries(
    Object.entries(found.parameters.properties).map(([name, { default: value }]) => [name, value]),
  );
  const fits = found.refusal?.(params, facts) === undefined;
  const operations = fits ? found.operations(params, facts) : [];
  const probes = fits ? [found.symptom(params, facts)] : [];
  const again = fits ? found.operations(params, facts) : [];
  const validate = await validator();
  const invalid = operations.flatMap((spec) =>
    validate(kinds.get(spec.kind)?.schema ?? false, spec).map(({ message }) => `${spec.kind}: ${message}`),
  );
  if (invalid.length > 0) return invalid;
  const declared = new Set([
    ...(found.needs?.commands ?? []),
    ...operations.flatMap((spec) => kindOf(spec).commands(spec)),
    ...probes.flatMap(({ commands }) => commands),
    // What the break itself puts there.
    ...operations.flatMap((spec) => kindOf(spec).owns(spec)).map((thing) => basename(thing)),
  ]);
  const undeclared = [...found.find, ...found.fix]
    .flatMap(specialPrograms)
    .filter((name) => !declared.has(name));
  return [
    ...(JSON.stringify(operations) === JSON.stringify(again) ? [] : ["its operations are others each time"]),
    ...[...new Set(undeclared)].map(
      (name) =>
        `\`find\` or \`fix\` calls ${name}, which not every node has: it belongs to \`needs.commands\``,
    ),
  ];
}
