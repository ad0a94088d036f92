import { createRequire } from "node:module";

/**
 * Characters that look like others, after Unicode's UTS #39 table (`confusables.txt`) as the package `unhomoglyph`
 * carries it: it maps a character to the one that it is mistaken for.
 */
function table(): Readonly<Record<string, string>> {
  return createRequire(import.meta.url)("unhomoglyph/data.json");
}

/** One visible character outside ASCII, of the scripts that terminals have glyphs for. */
const shown = /^[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Latin}\p{Script=Armenian}]$/u;

/**
 * The non-ASCII characters that are taken for `character`, the most lifelike first: Cyrillic letters share their glyphs
 * with Latin ones in most fonts.
 */
export function confusablesOf(character: string): readonly string[] {
  const alike = Object.entries(table())
    .filter(([from, to]) => to === character && shown.test(from) && (from.codePointAt(0) ?? 0) > 0x7f)
    .map(([from]) => from);
  const rank = (one: string) =>
    /\p{Script=Cyrillic}/u.test(one) ? 0 : /\p{Script=Greek}/u.test(one) ? 1 : 2;
  return alike.sort((one, other) => rank(one) - rank(other) || one.localeCompare(other));
}

/** `U+0435` for a character. */
export function describeCharacter(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
