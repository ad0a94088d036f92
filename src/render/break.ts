import type { Break } from "../catalogue/break.ts";
import { type Colours, coloursFor } from "./colours.ts";

const paragraphs =
  ({ bold }: Colours) =>
  (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [`${bold(title)}\n${lines.map((line) => `    ${line}`).join("\n")}`];

/** A break as a manual page. Without spoilers: only what a fixer may know, which is what is seen. */
export function renderBreak(found: Break, spoilers: boolean, colours = coloursFor(process.stdout)): string {
  const paragraph = paragraphs(colours);
  const head = paragraph("NAME", [`${found.id} - ${spoilers ? found.title : "a break"}`]);
  const sees = paragraph("WHAT IS SEEN", [found.sees]);
  if (!spoilers) return [...head, ...sees, ...paragraph("DIFFICULTY", [found.difficulty])].join("\n\n");
  const { roles = [], commands = [], units = [], kernel } = found.needs ?? {};
  const parameters = Object.entries(found.parameters.properties).map(
    ([name, { type, default: preset, description }]) =>
      `${colours.bold(name)} (${type}, default ${JSON.stringify(preset)})  ${description}`,
  );
  const needs = [
    roles.length > 0 ? `nodes: ${roles.join(", ")}` : "",
    commands.length > 0 ? `programs: ${commands.join(", ")}` : "",
    units.length > 0 ? `units that run: ${units.join(", ")}` : "",
    kernel === "own" ? "a kernel of the node's own" : "",
  ].filter((line) => line !== "");
  return [
    ...head,
    ...paragraph("SUMMARY", [found.summary]),
    ...sees,
    ...paragraph("PARAMETERS", parameters),
    ...paragraph("NEEDS", needs),
    ...paragraph("DANGERS", [...(found.dangers ?? [])]),
    ...paragraph("A REBOOT", [`the break ${found.reboot}`]),
    ...paragraph(
      "HINTS",
      found.hints.map((hint, index) => `${index + 1}. ${hint}`),
    ),
    ...paragraph("FIND IT", [...found.find]),
    ...paragraph("FIX IT", [...found.fix]),
    ...paragraph("METRIC", [found.metric]),
    ...paragraph("PREVENTION", [found.prevention]),
    ...paragraph("DIFFICULTY", [found.difficulty]),
    ...paragraph("SOURCE", [found.source]),
  ].join("\n\n");
}
