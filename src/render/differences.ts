import type { NodeDifferences } from "../fingerprint/snapshot.ts";
import type { Difference } from "../fingerprint/types.ts";
import { columns } from "./columns.ts";

/** Longer values are cut: the whole ones are in `-o json`. */
const widest = 100;

/** A letter that only looks Latin is told by its code point, and one that is not seen at all by nothing else. */
function visible(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (char) => {
    const code = `<U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`;
    return /[\p{L}\p{N}\p{P}\p{S}]/u.test(char) ? char + code : code;
  });
}

function short(text: string): string {
  const hashes = visible(text).replace(/\b[0-9a-f]{64}\b/g, (hash) => `${hash.slice(0, 12)}…`);
  return hashes.length > widest ? `${hashes.slice(0, widest)}…` : hashes;
}

/** How many words two lists have in common at their beginning. */
function common(one: readonly string[], other: readonly string[]): number {
  const end = one.findIndex((word, index) => word !== other[index]);
  return end === -1 ? one.length : end;
}

/** Of two values only the words between what both begin and end with. */
function changed(before: string, after: string): string {
  const [one, other] = [before.split(" "), after.split(" ")];
  const head = common(one, other);
  const [restOne, restOther] = [one.slice(head), other.slice(head)];
  const tail = common(restOne.toReversed(), restOther.toReversed());
  const middle = (words: readonly string[]) =>
    short(words.slice(0, words.length - tail).join(" ")) || "(nothing)";
  return `${middle(restOne)} → ${middle(restOther)}`;
}

function change(difference: Difference): string {
  const { before = "", after = "" } = difference;
  if (difference.kind === "added") return `+ ${short(after)}`;
  if (difference.kind === "removed") return `- ${short(before)}`;
  return changed(before, after);
}

/** A line for each difference: node, section, key, and what was there before and is now. Empty without one. */
export function differencesTable(nodes: readonly NodeDifferences[]): string {
  const rows = nodes.flatMap(({ node, differences }) =>
    differences.map((each) => [node, each.section, visible(each.key), change(each)]),
  );
  return rows.length === 0 ? "" : columns([["NODE", "SECTION", "KEY", "BEFORE → AFTER"], ...rows]);
}
