import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import type { Facts } from "../facts.ts";
import type { AnyOperation } from "../operations/index.ts";
import type { Danger } from "../operations/operation.ts";
import type { Probe } from "../probes/probe.ts";

/** One parameter, as JSON Schema says it. It has a default that fits a kubeadm node. */
export interface ParameterSchema {
  readonly type: "string" | "integer" | "number" | "boolean" | "array";
  readonly description: string;
  readonly default: string | number | boolean | readonly (string | number)[];
  readonly enum?: readonly (string | number)[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: {
    readonly type: "string" | "integer";
    readonly pattern?: string;
    readonly minimum?: number;
    readonly maximum?: number;
  };
}

/** The parameters of a break, as a JSON Schema. */
export interface ParametersSchema {
  readonly type: "object";
  readonly properties: Readonly<Record<string, ParameterSchema>>;
  readonly additionalProperties: false;
}

/** Parameters whose schema is not known to the compiler. They have been validated against it. */
export type Parameters = Readonly<Record<string, ParameterSchema["default"]>>;

/** What a break gets: its schema's properties with their types. */
export type ParametersOf<Schema extends ParametersSchema> =
  // Of no properties at all json-schema-to-ts does not come to an end.
  [keyof Schema["properties"]] extends [never]
    ? Readonly<Record<never, never>>
    : ParametersSchema extends Schema
      ? Parameters
      : Schema extends JSONSchema
        ? FromSchema<Schema>
        : never;

export interface Needs {
  /** Where it makes sense. Default: every node. */
  readonly roles?: readonly ("control-plane" | "worker")[];
  /** Programs beyond those that its operations and its symptom call. */
  readonly commands?: readonly string[];
  /** Units that have to run, such as `kubelet.service`: without it a node is none of Kubernetes'. */
  readonly units?: readonly string[];
  /**
   * `cluster`: it changes objects of the API, so it is made once in a cluster, by the first of its control plane nodes that
   * the step names. Default `node`: on each node.
   */
  readonly target?: "node" | "cluster";
  /** `own`: it reaches the whole kernel, so it is refused on nodes that share theirs with others. */
  readonly kernel?: "own";
}

/** One way to break a cluster. */
export interface BreakDefinition<Schema extends ParametersSchema = ParametersSchema> {
  readonly title: string;
  /** What it does and teaches, in a paragraph. */
  readonly summary: string;
  readonly difficulty: "easy" | "medium" | "hard";
  /** The episode or document that it comes from. */
  readonly source: string;
  readonly needs?: Needs;
  readonly dangers?: readonly Danger[];
  /** What a reboot of the node does to it. */
  readonly reboot: "survives" | "vanishes" | "re-arms" | "bricks";
  readonly parameters: Schema;
  /** What the fixer sees. */
  readonly sees: string;
  /** From vague to plain. */
  readonly hints: readonly string[];
  /**
   * Commands that find it, as a fixer would type them, one a line. `{name}` stands for a parameter's value; commands
   * without any are those for the defaults.
   */
  readonly find: readonly string[];
  /** Commands that fix it, written in the same way. */
  readonly fix: readonly string[];
  /** The metric or alert that would have told. */
  readonly metric: string;
  readonly prevention: string;
  /** Files whose contents {@link operations} wants to see in `facts.files`. */
  reads?(parameters: ParametersOf<Schema>): readonly string[];
  /** Paths of the API, such as `/api/v1/nodes`, whose answers {@link operations} wants to see in `facts.objects`. */
  asks?(parameters: ParametersOf<Schema>): readonly string[];
  /** Programs whose paths {@link operations} wants to see in `facts.programs`. */
  programs?(parameters: ParametersOf<Schema>): readonly string[];
  /** Why it cannot be done here, in words for a person; `undefined` when it can. */
  refusal?(parameters: ParametersOf<Schema>, facts: Facts): string | undefined;
  /** Pure: the changes, in order. Undo walks them backwards. */
  operations(parameters: ParametersOf<Schema>, facts: Facts): readonly AnyOperation[];
  /** Quiet on a healthy node, and fires on a broken one. */
  symptom(parameters: ParametersOf<Schema>, facts: Facts): Probe;
  /** Seconds until the symptom must be there. Default 15. */
  readonly patience?: number;
}

/** A break as the catalogue holds it: `find` and `fix` are those for the defaults. */
export interface Break extends BreakDefinition {
  /** `<layer>/<name>`, from its file. */
  readonly id: string;
  readonly layer: string;
  /** Absolute path of its module. */
  readonly file: string;
  /** `find` and `fix` for other parameters; `undefined` where they are written for the defaults only. */
  commands(parameters: Parameters): Pick<BreakDefinition, "find" | "fix"> | undefined;
}

/** Declares a break; a break's module has it as its default export. */
export function defineBreak<const Schema extends ParametersSchema>(
  definition: BreakDefinition<Schema>,
): BreakDefinition {
  // Parameters are validated against the schema before they reach the break, so the wider type is safe to hand out.
  return definition as unknown as BreakDefinition;
}
