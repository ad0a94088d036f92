import type { Break } from "../catalogue/break.ts";
import { harmlessSectionsOf, type Section, sectionsOf } from "./break-sections.ts";
import { type Colours, coloursFor } from "./colours.ts";

/** Columns of a manual page, as man has them where the terminal does not say. */
const WIDTH = 80;
const MARGIN = 7;

/**
 * A break as a manual page.
 * @param spoilers False: only what a fixer may know.
 * @param width Of the screen, in columns.
 */
export function renderBreak(
  found: Break,
  spoilers: boolean,
  colours = coloursFor(process.stdout),
  width = process.stdout.columns ?? WIDTH,
): string {
  const name = `${found.id} - ${spoilers ? found.title : "a break"}`;
  const sections = spoilers ? sectionsOf(found) : harmlessSectionsOf(found);
  return [{ title: "Name", text: [name] }, ...sections]
    .map((section) => renderSection(section, colours, Math.max(40, Math.min(width, 100))))
    .join("\n\n");
}

function renderSection(section: Section, colours: Colours, width: number): string {
  return [colours.bold(section.title.toUpperCase()), ...linesOf(section, colours, width)].join("\n");
}

function linesOf(section: Section, { bold }: Colours, width: number): readonly string[] {
  const indented = (text: string, indent = MARGIN) =>
    wrapped(text, width - indent).map((line) => " ".repeat(indent) + line);
  // What is to be typed is not broken: a line's end would be typed, too.
  if ("code" in section) return section.code.map((line) => " ".repeat(MARGIN) + line);
  if ("text" in section) return section.text.flatMap((text) => indented(text));
  if ("numbered" in section)
    return section.numbered.flatMap((text, index) =>
      indented(text, MARGIN + 3).map((line, at) =>
        at === 0 ? `${" ".repeat(MARGIN)}${index + 1}. ${line.trimStart()}` : line,
      ),
    );
  return section.terms.flatMap(([term, meaning]) => [
    " ".repeat(MARGIN) + bold(term),
    ...indented(meaning, MARGIN + 4),
  ]);
}

/** Lines of at most `width` columns; a word that is longer has a line of its own. */
function wrapped(text: string, width: number): readonly string[] {
  const line = new RegExp(`(\\S{${width},}|.{1,${width}})(?:\\s+|$)`, "gu");
  return [...text.matchAll(line)].map(([, found = ""]) => found);
}
