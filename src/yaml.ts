import { isUtf8 } from "node:buffer";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import type { Document, Node, Pair, ParsedNode } from "yaml";
import { ConfigError, messageOf, type Problem } from "./errors.ts";
import type { Finding } from "./schema.ts";

/** A YAML 1.2 file that could be read: its value, and where each part of it stands. */
export interface YamlDocument {
  /** As the caller named it. */
  readonly file: string;
  readonly value: unknown;
  /** Mistakes of the file with their positions, in its order: the given ones, and keys that are there twice. */
  problems(findings: readonly Finding[]): readonly Problem[];
}

/** Far more than any playbook or inventory; parsing takes seconds per MiB when the text is hostile. */
const SIZE_LIMIT = 1024 * 1024;
/** The parser recurses: without a limit, a MiB of `[` ends the process. */
const DEPTH_LIMIT = 64;
const ALIAS_LIMIT = 100;
const PROBLEM_LIMIT = 100;

/**
 * Reads one YAML 1.2 document (core schema, no merge keys) of at most 1 MiB.
 * @throws ConfigError when the file cannot be read, is no UTF-8 text or no valid YAML, with all syntax errors.
 */
export async function readYaml(file: string): Promise<YamlDocument> {
  return parseYaml(file, textOf(file, await bytesOf(file)));
}

/**
 * The document's value when nothing was found wrong with it.
 * @throws ConfigError with every finding.
 */
export function accept<T>(document: YamlDocument, findings: readonly Finding[]): T {
  const problems = document.problems(findings);
  if (problems.length > 0) throw new ConfigError(problems);
  return document.value as T;
}

/**
 * The same as {@link readYaml} for text that is already there; `file` is for messages.
 * @throws ConfigError
 */
export async function parseYaml(file: string, text: string): Promise<YamlDocument> {
  const yaml = await import("yaml");
  const lineCounter = new yaml.LineCounter();
  const problemAt = (offset: number, message: string): Problem => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line, column: col, message };
  };

  const parser = new yaml.Parser(lineCounter.addNewLine);
  function* tokens() {
    lineCounter.addNewLine(0);
    for (const lexeme of new yaml.Lexer().lex(text)) {
      yield* parser.next(lexeme);
      if (parser.stack.length > DEPTH_LIMIT) {
        throw new ConfigError([problemAt(parser.offset, `nested more than ${DEPTH_LIMIT} levels deep`)]);
      }
    }
    yield* parser.end();
  }

  const composer = new yaml.Composer({
    version: "1.2",
    schema: "core",
    merge: false,
    stringKeys: true,
    // Checked below: the library compares each key with every other one.
    uniqueKeys: false,
    logLevel: "silent",
  });
  const [document, second] = [...composer.compose(tokens(), true, text.length)];
  if (document === undefined) throw new ConfigError([problemAt(0, "the file is empty")]);
  const syntax = [...document.errors, ...document.warnings].map((error) =>
    problemAt(error.pos[0], `not valid YAML: ${error.message}`),
  );
  if (second !== undefined)
    syntax.push(problemAt(second.range[0], "a second document begins: one file holds one"));
  for (const { offset, message } of wrongAliases(yaml, document)) syntax.push(problemAt(offset, message));
  if (syntax.length > 0) throw new ConfigError(limited(syntax));
  if (document.contents === null || isEmpty(yaml, document.contents)) {
    throw new ConfigError([problemAt(0, "the file is empty")]);
  }

  const duplicates = duplicateKeys(yaml, document).map(({ offset, key, first }) =>
    problemAt(offset, `\`${key}\` is there twice: first on line ${lineCounter.linePos(first).line}`),
  );
  return {
    file,
    value: plainValue(document, (message) => new ConfigError([problemAt(0, message)])),
    problems: (findings) =>
      limited([
        ...duplicates,
        ...findings.map((finding) => problemAt(offsetOf(yaml, document, finding), finding.message)),
      ]),
  };
}

type Yaml = typeof import("yaml");
type Parsed = Document.Parsed<ParsedNode>;

function plainValue(document: Parsed, fail: (message: string) => ConfigError): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIAS_LIMIT });
  } catch (error) {
    throw fail(`cannot be read as YAML: ${messageOf(error)}`);
  }
}

function isEmpty(yaml: Yaml, contents: ParsedNode): boolean {
  return yaml.isScalar(contents) && contents.value === null;
}

function wrongAliases(yaml: Yaml, document: Parsed) {
  const found: { readonly offset: number; readonly message: string }[] = [];
  yaml.visit(document, {
    Alias: (_key, alias, ancestors) => {
      const target = alias.resolve(document);
      const offset = start(alias) ?? 0;
      if (target === undefined)
        found.push({ offset, message: `no anchor \`&${alias.source}\` comes before this alias` });
      else if (ancestors.includes(target))
        found.push({ offset, message: "an alias of something that it is part of" });
    },
  });
  return found;
}

function duplicateKeys(yaml: Yaml, document: Parsed) {
  const found: { readonly offset: number; readonly key: string; readonly first: number }[] = [];
  yaml.visit(document, {
    Map: (_key, map) => {
      const seen = new Map<string, number>();
      for (const pair of map.items) {
        const key = keyOf(yaml, pair);
        const offset = start(pair.key) ?? 0;
        const first = seen.get(key);
        if (first === undefined) seen.set(key, offset);
        else found.push({ offset, key, first });
      }
    },
  });
  return found;
}

function keyOf(yaml: Yaml, pair: Pair): string {
  return yaml.isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function start(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

/** Where the thing that a finding speaks of begins, or the last part of its path that exists. */
function offsetOf(yaml: Yaml, document: Parsed, finding: Finding): number {
  let node: unknown = document.contents;
  let key = start(node) ?? 0;
  let value = key;
  for (const segment of finding.path) {
    const container: unknown = yaml.isAlias(node) ? node.resolve(document) : node;
    if (yaml.isMap(container)) {
      const pair = container.items.find((item) => keyOf(yaml, item) === String(segment));
      if (pair === undefined) break;
      node = pair.value;
      key = start(pair.key) ?? key;
      value = start(pair.value) ?? key;
    } else if (yaml.isSeq(container)) {
      node = container.items[Number(segment)];
      value = start(node) ?? value;
      key = value;
    } else {
      break;
    }
  }
  return finding.at === "key" ? key : value;
}

function limited(problems: readonly Problem[]): readonly Problem[] {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const last = sorted[PROBLEM_LIMIT];
  if (last === undefined) return sorted;
  const more = { ...last, message: `and ${sorted.length - PROBLEM_LIMIT} more mistakes from here on` };
  return [...sorted.slice(0, PROBLEM_LIMIT), more];
}

async function bytesOf(file: string): Promise<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, "r");
    return await readAtMost(handle, SIZE_LIMIT + 1);
  } catch (error) {
    throw unreadable(file, reasonOf(error));
  } finally {
    await handle?.close();
  }
}

/** By reading and not by its size: pipes (`validate <(…)`) and devices have none. */
async function readAtMost(handle: FileHandle, limit: number): Promise<Buffer> {
  const buffer = Buffer.alloc(limit);
  let length = 0;
  while (length < limit) {
    const { bytesRead } = await handle.read(buffer, length, limit - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR") return "this is a folder, not a file";
  if (code === "EACCES" || code === "EPERM") return "it may not be read: permission denied";
  return `it cannot be read: ${messageOf(error)}`;
}

function unreadable(file: string, message: string, line = 1, column = 1): ConfigError {
  return new ConfigError([{ file, line, column, message }]);
}

function textOf(file: string, bytes: Buffer): string {
  if (bytes.length > SIZE_LIMIT)
    throw unreadable(file, "it is larger than 1 MiB, which no playbook or inventory is");
  const nul = bytes.indexOf(0);
  if (nul >= 0)
    throw unreadable(file, "it holds a NUL byte: this is no text file", ...endOf(bytes.subarray(0, nul)));
  if (!isUtf8(bytes)) throw unreadable(file, "it is not UTF-8 text", ...endOf(validPart(bytes)));
  return new TextDecoder().decode(bytes);
}

/** Line and column behind these bytes; a letter of which only a part is there counts as behind them. */
function endOf(bytes: Buffer): readonly [line: number, column: number] {
  const lines = new TextDecoder().decode(bytes, { stream: true }).split("\n");
  return [lines.length, (lines.at(-1)?.length ?? 0) + 1];
}

/** The longest beginning that may be UTF-8; found by halves, as each beginning of it may be too. */
function validPart(bytes: Buffer): Buffer {
  let valid = 0;
  let invalid = bytes.length + 1;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    if (isUtf8Prefix(bytes.subarray(0, middle))) valid = middle;
    else invalid = middle;
  }
  return bytes.subarray(0, valid);
}

function isUtf8Prefix(bytes: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
