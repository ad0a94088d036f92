import type { JSONSchema } from "json-schema-to-ts";
import type { Danger, Operation } from "../operations/operation.ts";

/** What a playbook may speak of: the catalogue's breaks by id, and the kinds of operations by name. */
export interface Known {
  readonly breaks: ReadonlyMap<string, KnownBreak>;
  readonly operations: ReadonlyMap<string, KnownOperation>;
}

export interface KnownBreak {
  /** Of an object whose properties each have a default. */
  readonly parameters: JSONSchema;
  readonly dangers?: readonly Danger[];
}

export interface KnownOperation {
  readonly schema: JSONSchema;
  dangers(operation: Operation): readonly Danger[];
}
