import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { messageOf, UndoLogError, UsageError } from "../errors.ts";
import type { Operation } from "../operations/operation.ts";
import { makePrivateFolder, syncPath, writePrivate } from "../private-files.ts";
import { lockRun, lockWhereWritable } from "./locks.ts";
import type { TargetRecord } from "./records.ts";
import { openRun, runOf, runsFolder, touchedTargets } from "./runs.ts";
import { standaloneOf } from "./standalone.ts";
import { parseLog, type UndoLog } from "./undo-log.ts";

/** A run in one file: JSON, whose checksum is over everything else in it. */
interface Packed {
  readonly format: "kbreak run";
  readonly version: 1;
  readonly run: string;
  /** The undo log's text. */
  readonly log: string;
  /** Pre-images as base64, by their SHA-256. */
  readonly blobs: Readonly<Record<string, string>>;
}

const sumOf = (packed: Packed) => createHash("sha256").update(JSON.stringify(packed)).digest("hex");

/**
 * Everything that undo needs of a run, as the text of one file. It holds secrets.
 * @throws UsageError for an unknown run, LockError while it is in progress, UndoLogError when it is damaged.
 */
export function exportRun(dataFolder: string, id: string): string {
  return atRest(dataFolder, id, {}, (log) => {
    const file = join(log.folder, "log.jsonl");
    const bytes = readFileSync(file);
    const packed: Packed = {
      format: "kbreak run",
      version: 1,
      run: runOf(log).id,
      log: bytes.subarray(0, parseLog(bytes, file).length).toString("utf8"),
      blobs: Object.fromEntries(
        readdirSync(join(log.folder, "blobs"))
          .filter((name) => /^[0-9a-f]{64}$/.test(name))
          .map((sha256) => [sha256, log.content(sha256).toString("base64")]),
      ),
    };
    return `${JSON.stringify({ ...packed, sum: sumOf(packed) })}\n`;
  });
}

/** Hands on the log of a run that nobody is at work on. @throws LockError */
function atRest<Result>(
  dataFolder: string,
  id: string,
  options: { readonly forUndo?: boolean },
  work: (log: UndoLog) => Result,
): Result {
  const open = () => {
    const log = openRun(dataFolder, id, { readOnly: true, ...options });
    log.close();
    return log;
  };
  const run = runOf(open()).id;
  const release = lockWhereWritable(() => lockRun(dataFolder, run));
  try {
    return work(open());
  } finally {
    release();
  }
}

/** Scripts that put the nodes of a run back without kbreak. */
export interface ExportedScripts {
  /** By the node's name. */
  readonly scripts: ReadonlyMap<string, string>;
  /** What is wrong with the log: what its lines behind that tell is in no script. */
  readonly damage: UndoLogError | undefined;
}

/**
 * The scripts of a run for each of its nodes, or for one of them. They hold secrets.
 * @throws UsageError for an unknown run or node, LockError while the run is in progress.
 */
export function exportScripts(
  dataFolder: string,
  id: string,
  node: string | undefined,
  titleOf: (spec: Operation) => string,
): ExportedScripts {
  return atRest(dataFolder, id, { forUndo: true }, (log) => {
    const touched = touchedTargets(runOf(log));
    const chosen = touched.filter(({ name }) => node === undefined || name === node);
    if (chosen.length === 0)
      throw new UsageError(
        node === undefined ? `run ${id} has changed nothing` : `run ${id} has changed nothing on ${node}`,
        { hint: `it has changed: ${touched.map(({ name }) => name).join(", ") || "no node"}` },
      );
    const script = ({ name, identity }: TargetRecord) =>
      [name, standaloneOf(log, name, { place: identity, titleOf })] as const;
    return { scripts: new Map(chosen.map(script)), damage: log.damage };
  });
}

/** The content of an exported file. @throws UndoLogError when it is anything but what `exportRun` gave. */
function unpacked(text: string, file: string): Packed {
  const damaged = (why: string) =>
    new UndoLogError(`${file}: ${why}`, {
      hint: "nothing was imported; export the run anew: kbreak runs export RUN FILE",
    });
  let parsed: Packed & { readonly sum: string };
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw damaged(`it is no exported run, or is damaged: ${messageOf(error)}`);
  }
  if (parsed?.format !== "kbreak run") throw damaged("it is no exported run");
  if (parsed.version !== 1)
    throw damaged(`it is an exported run of version ${parsed.version}, and this kbreak knows 1`);
  const { sum, ...packed } = parsed;
  if (sumOf(packed) !== sum) throw damaged("it is damaged: its checksum does not fit");
  return packed;
}

/**
 * Takes a run that was exported elsewhere into a data folder and gives its id. All of it comes in, or nothing.
 * @throws UndoLogError when a part of it is damaged, UsageError when there is a run of that id already.
 */
export function importRun(dataFolder: string, text: string, file: string): string {
  const { run, log, blobs } = unpacked(text, file);
  const bytes = Buffer.from(log);
  const [first] = parseLog(bytes, file).records;
  // The id becomes the name of a folder.
  if (first?.type !== "run" || first.run !== run || !/^\d{8}-\d{6}-[0-9a-f]{4}$/.test(run))
    throw new UndoLogError(`${file}: it does not hold the run that it names`, {
      hint: "nothing was imported",
    });
  const folder = join(runsFolder(dataFolder), run);
  const there = () => new UsageError(`there is a run ${run} already`, { hint: `kbreak runs show ${run}` });
  if (existsSync(folder)) throw there();
  makePrivateFolder(runsFolder(dataFolder));
  const incoming = join(dataFolder, `incoming-${randomBytes(6).toString("hex")}`);
  try {
    makePrivateFolder(join(incoming, "blobs"));
    for (const [sha256, base64] of Object.entries(blobs)) {
      const content = Buffer.from(base64, "base64");
      if (createHash("sha256").update(content).digest("hex") !== sha256)
        throw new UndoLogError(`${file}: the pre-image ${sha256} is damaged: its checksum does not fit`, {
          hint: "nothing was imported",
        });
      writePrivate(join(incoming, "blobs", sha256), content);
    }
    writePrivate(join(incoming, "log.jsonl"), bytes);
    syncPath(join(incoming, "blobs"));
    syncPath(incoming);
    renameSync(incoming, folder);
    syncPath(runsFolder(dataFolder));
  } catch (error) {
    if (error instanceof UndoLogError) throw error;
    if (existsSync(folder)) throw there();
    throw new UndoLogError(`the run cannot be imported: ${messageOf(error)}`, { cause: error });
  } finally {
    rmSync(incoming, { recursive: true, force: true });
  }
  return run;
}
