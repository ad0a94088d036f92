import type { Parameters } from "../catalogue/break.ts";
import type { AnyOperation } from "../operations/index.ts";
import { validator, withDefaults } from "../schema.ts";
import { accept, readYaml, type YamlDocument } from "../yaml.ts";
import { playbookFindings } from "./check.ts";
import type { Known } from "./known.ts";
import { playbookShape } from "./schema.ts";
import type { GoalProbe, KubectlQuestion, Playbook, Rules, Step } from "./types.ts";

interface RawStep {
  readonly name?: string;
  readonly break?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly operations?: readonly AnyOperation[];
  readonly targets?: string;
  readonly optional?: boolean;
}

interface RawGoal {
  readonly name: string;
  readonly on?: string;
  readonly http?: string;
  readonly status?: number;
  readonly run?: string;
  readonly kubectl?: KubectlQuestion;
  readonly contains?: string;
  readonly deadline?: number;
}

interface RawPlaybook {
  readonly name: string;
  readonly description?: string;
  readonly difficulty?: NonNullable<Playbook["difficulty"]>;
  readonly length?: string;
  readonly story?: string;
  readonly hints?: readonly string[];
  readonly rules?: Partial<Rules>;
  readonly goal?: readonly RawGoal[];
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
    story: raw.story ?? "",
    hints: raw.hints ?? [],
    rules: { forbid: raw.rules?.forbid ?? [] },
    goal: (raw.goal ?? []).map(goalOf),
    steps: raw.steps.map((step) => stepOf(step, known)),
  };
}

/** Seconds. */
const answerDeadline = 5;
const commandDeadline = 30;

function goalOf(raw: RawGoal): GoalProbe {
  const common = { name: raw.name, contains: raw.contains, deadline: raw.deadline ?? answerDeadline };
  if (raw.http !== undefined) return { ...common, on: raw.on, http: raw.http, status: raw.status ?? 200 };
  if (raw.kubectl !== undefined) return { ...common, on: raw.on, kubectl: raw.kubectl };
  // By the schema one of the three is there, and `run` has `on`.
  const { on = "", run = "" } = raw;
  return { ...common, on, run, deadline: raw.deadline ?? commandDeadline };
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
