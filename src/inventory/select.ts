import { UsageError } from "../errors.ts";
import { didYouMean } from "../schema.ts";
import type { Inventory, InventoryNode } from "./types.ts";

/** Names that select nodes in every inventory: no node, group or cluster may be called so. */
export const implicitGroups: readonly string[] = ["all", "control-plane", "worker"];

/** Whether a word of a selection is a glob: `*` is any text, `?` any one character. */
export function isGlob(word: string): boolean {
  return /[*?]/.test(word);
}

/** Those of `names` that a glob matches, in their order. */
export function globbed(glob: string, names: readonly string[]): readonly string[] {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replaceAll("?", ".");
  const pattern = new RegExp(`^${source}$`);
  return names.filter((name) => pattern.test(name));
}

/**
 * The nodes that a selection names, in the inventory's order. As in ansible, words are separated by commas: a node, a
 * group, a cluster, a glob, `all`, `control-plane` or `worker` (by role) are added up; `&x` keeps only what is also in
 * x; `!x` leaves x out. With nothing to add up it starts from all: `!cp1` is all but cp1.
 * @throws UsageError for a name that is unknown, and when no node is left.
 */
export function select(inventory: Inventory, pattern: string): readonly InventoryNode[] {
  const words = pattern.split(",").map((word) => word.trim());
  const named = (sign: "!" | "&") =>
    words.filter((word) => word.startsWith(sign)).map((word) => namesOf(inventory, word.slice(1).trim()));
  const added = words
    .filter((word) => word !== "" && !/^[!&]/.test(word))
    .map((word) => namesOf(inventory, word));
  const base = added.length > 0 ? new Set(added.flatMap((names) => [...names])) : namesOf(inventory, "all");
  const kept = named("&");
  const left = named("!");
  const chosen = inventory.nodes.filter(
    ({ name }) =>
      base.has(name) && kept.every((names) => names.has(name)) && !left.some((names) => names.has(name)),
  );
  if (chosen.length === 0) {
    throw new UsageError(`"${pattern}" selects no node of ${inventory.file}`, {
      hint: `\`kbreak inventory list -i ${inventory.file}\` shows its nodes and groups`,
    });
  }
  return chosen;
}

function namesOf(inventory: Inventory, word: string): ReadonlySet<string> {
  const nodes = inventory.nodes.map(({ name }) => name);
  if (word === "all") return new Set(nodes);
  if (nodes.includes(word)) return new Set([word]);
  const group = inventory.groups[word];
  if (Object.hasOwn(inventory.groups, word) && group !== undefined) return new Set(group);
  const cluster = inventory.clusters.find(({ name }) => name === word);
  if (cluster !== undefined) return new Set(cluster.nodes);
  if (word === "control-plane" || word === "worker") {
    return new Set(inventory.nodes.filter(({ roles }) => roles.includes(word)).map(({ name }) => name));
  }
  if (isGlob(word)) return new Set(globbed(word, nodes));
  const names = [
    ...nodes,
    ...Object.keys(inventory.groups),
    ...inventory.clusters.map(({ name }) => name),
    ...implicitGroups,
  ];
  throw new UsageError(
    `${inventory.file} has no node, group or cluster \`${word}\`${didYouMean(word, names)}`,
    {
      hint: `\`kbreak inventory list -i ${inventory.file}\` shows its nodes and groups`,
    },
  );
}
