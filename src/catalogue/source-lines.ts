import { messageOf, type Problem } from "../errors.ts";
import type { Finding, Path } from "../schema.ts";

/**
 * A finding about a module, with its place in the module's text: a blank's own line, else the line of the property that
 * is meant, as far as it is written there; line 1 where nothing of it is.
 */
export function located(file: string, source: string, { path, message }: Finding): Problem {
  const blank = /^still a blank: (.*)$/.exec(message)?.[1];
  const offset = blank === undefined ? propertyAt(source, path) : Math.max(0, source.indexOf(blank) - 1);
  const before = source.slice(0, offset).split("\n");
  return { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message };
}

/** Where the innermost property of the path is that can be found; each is looked for behind the one around it. */
function propertyAt(source: string, path: Path): number {
  let offset = Math.max(0, source.search(/\bdefineBreak\(/));
  for (const name of path) {
    if (typeof name === "number") continue;
    const property = new RegExp(`(?<![\\w$.-])["']?${escaped(name)}["']?\\s*[:(,]`).exec(
      source.slice(offset),
    );
    if (property === null) break;
    offset += property.index;
  }
  return offset;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/**
 * What a module threw while it was run, in a line, with its innermost line in that module; line 1 if it has none. A
 * column is known of a syntax error only: a module runs with its types taken out, which keeps lines but not columns.
 */
export function thrown(file: string, error: unknown): Problem {
  const text = error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error);
  const at = text.indexOf(`${file}:`);
  const place = at < 0 ? null : /^(\d+):(\d+)/.exec(text.slice(at + file.length + 1));
  const [line = ""] = messageOf(error).split("\n");
  return {
    file,
    line: Number(place?.[1] ?? 1),
    column: line.startsWith("ParseError") ? Number(place?.[2] ?? 1) : 1,
    // A name that `kbreak` does not export is met as `(0 , _kbreak.name)`, as imports are compiled.
    message: line.replace(/\(0 , _\w+\.(\w+)\)/, "`$1`").trim(),
  };
}
