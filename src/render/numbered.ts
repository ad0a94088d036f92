import { label } from "./mask.ts";

/** A title and a numbered line for each text; nothing where there are none. */
export function numbered(title: string, texts: readonly string[]): readonly string[] {
  if (texts.length === 0) return [];
  return [`${title}:`, ...texts.map((text, index) => `  ${index + 1}. ${label(text)}`)];
}
