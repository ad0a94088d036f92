/** A selection of the inventory's nodes. */
export const selection = {
  type: "string",
  pattern: "\\S",
  patternErrorMessage: "a selection of nodes, such as cp1 or control-plane,!cp1",
  description:
    "Nodes, groups, clusters, roles or globs, separated by commas; !x leaves x out, &x keeps only x.",
} as const;

/** Text that is not empty. */
export const text = { type: "string", minLength: 1 } as const;
