import type { Colours } from "./colours.ts";

/** The characters of a text that cannot be told from ASCII by looking, named; empty when there are none. */
export function strangers(text: string, colours: Colours): string {
  const found = [...new Set(text.match(/[^\p{ASCII}]/gu) ?? [])].map(
    (character) => `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
  return found.length === 0 ? "" : colours.yellow(`   (${found.join(", ")})`);
}
