import type { Parameters } from "../catalogue/break.ts";
import type { AnyOperation } from "../operations/index.ts";
import { validator, withDefaults } from "../schema.ts";
import { accept, readYaml, type YamlDocument } from "../yaml.ts";
import { playbookFindings } from "./check.ts";
import type { Known } from "./known.ts";
import { playbookShape } from "./schema.ts";
import type { GoalProbe, Playbook, Rules, Step } from "./types.ts";

interface RawStep {
  readonly name?: string;
  readonly break?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly operations?: readonly AnyOperation[];
  readonly targets?: string;
  readonly optional?: boolean;
}

interface RawPlaybook {
  readonly name: string;
  readonly description?: string;
  readonly difficulty?: NonNullable<Playbook["difficulty"]>;
  readonly length?: string;
  readonly rules?: Partial<Rules>;
  readonly goal?: readonly (Omit<GoalProbe, "contains"> & { readonly contains?: string })[];
  readonly steps: readonly RawStep[];
}

/**
 * Reads and checks a playbook against what is known, and fills its defaults in, those of the breaks' parameters too.
 * @throws ConfigError with all mistakes of the file.
 */
export async function loadPlaybook(file: string, known: Known): Promise<Playbook> {
  return playbookFrom(await readYaml(file), known);
}

/** The same for a file that was read already. @throws ConfigError with all its mistakes. */
export async function playbookFrom(document: YamlDocument, known: Known): Promise<Playbook> {
  const validate = await validator();
  const raw = accept<RawPlaybook>(document, [
    ...validate(playbookShape, document.value),
    ...playbookFindings(document.value, known, validate),
  ]);
  return {
    name: raw.name,
    description: raw.description ?? "",
    difficulty: raw.difficulty,
    length: raw.length,
    rules: { forbid: raw.rules?.forbid ?? [] },
    goal: (raw.goal ?? []).map(({ name, on, run, contains }) => ({ name, on, run, contains })),
    steps: raw.steps.map((step) => stepOf(step, known)),
  };
}

function stepOf(raw: RawStep, known: Known): Step {
  const common = { targets: raw.targets ?? "all", optional: raw.optional ?? false };
  if (raw.break === undefined) {
    return { name: raw.name ?? "operations", ...common, operations: raw.operations ?? [] };
  }
  const params = withDefaults(
    known.breaks.get(raw.break)?.parameters ?? true,
    raw.params ?? {},
  ) as Parameters;
  return { name: raw.name ?? raw.break, ...common, break: raw.break, params };
}
