import { randomBytes } from "node:crypto";
import { messageOf, RemoteError } from "../errors.ts";
import type { Connection, Outcome } from "../transport/transport.ts";
import { type Frames, framesOf } from "./frames.ts";
import { scriptFor } from "./script.ts";
import type { Section } from "./section.ts";
import { contents, contentsOf } from "./sections/contents.ts";
import { type Census, censusOf, files } from "./sections/files.ts";
import { lanes as all } from "./sections.ts";
import { basisOf, keptOf } from "./since.ts";
import type { Entries, Fingerprint, Skipped } from "./types.ts";

export interface FingerprintOptions {
  /** Milliseconds that each of the look's scripts may take. Default 120 000; a node of the lab needs about 1500. */
  readonly deadline?: number;
  /**
   * An earlier look at the same machine, of which hashes are kept: of each file whose device, inode, size and times of
   * modification and change are to the nanosecond what they were. Everything else is looked at as ever. After a reboot,
   * or with a look from a snapshot, all is hashed again. No program can set a time of change, but two things get around
   * it: moving the clock back to the nanosecond of the file's last change and writing then, and writing to the disk
   * beneath the file system.
   */
  readonly since?: Fingerprint;
}

function textOf(outcome: Outcome, node: string): string {
  const hint = "look at the node, then try again: nothing was changed";
  if (outcome.kind === "unknown") {
    const why = {
      deadline: "it took too long",
      lost: "the connection was lost",
      signal: "its shell was killed",
    };
    const message = `the look at ${node} did not end: ${why[outcome.reason]}: ${outcome.detail}`;
    throw new RemoteError(message, { hint, target: node });
  }
  if (outcome.code !== 0) {
    const message = `the look at ${node} ended with status ${outcome.code}: ${outcome.stderr.trim()}`;
    throw new RemoteError(message, { hint, target: node });
  }
  return outcome.stdout;
}

function reasonOf(frames: Frames): string | undefined {
  if (frames.because !== undefined) return frames.because;
  if (frames.status === undefined) return "its script was killed";
  return frames.status === 0 ? undefined : `its script ended with status ${frames.status}`;
}

type Seen = { readonly name: string; readonly entries: Entries } | Skipped;

function see(section: Section, frames: Frames): Seen {
  const reason = reasonOf(frames);
  if (reason !== undefined) return { section: section.name, reason };
  return { name: section.name, entries: section.read(frames.data) };
}

interface Look {
  readonly seen: readonly Seen[];
  /** Absent when the files could not be looked at. */
  readonly census: Census | undefined;
}

/** Looks at sections with one script. @throws RemoteError */
async function look(
  connection: Connection,
  lanes: readonly (readonly Section[])[],
  deadline: number,
): Promise<Look> {
  const marker = randomBytes(12).toString("hex");
  const outcome = await connection.run(scriptFor(lanes, marker), { deadline });
  const stdout = textOf(outcome, connection.node);
  const sections = lanes.flat();
  try {
    const frames = framesOf(stdout, marker, sections.length);
    const ofFiles = frames[sections.indexOf(files)];
    return {
      seen: sections.map((section, index) => see(section, frames[index] as Frames)),
      census: ofFiles === undefined || reasonOf(ofFiles) !== undefined ? undefined : censusOf(ofFiles.data),
    };
  } catch (cause) {
    throw new RemoteError(`the look at ${connection.node} cannot be read: ${messageOf(cause)}`, {
      target: connection.node,
      hint: "try again; if it stays so, report it with the node's distribution",
      cause,
    });
  }
}

const withoutContents = all
  .map((lane) => lane.filter((section) => section !== contents))
  .filter((lane) => lane.length > 0);

/** Looks at everything, and hashes only what was written since an earlier look. */
async function lookSince(connection: Connection, since: Fingerprint, deadline: number): Promise<Look> {
  const { seen, census } = await look(connection, withoutContents, deadline);
  const kept = census === undefined ? undefined : keptOf(census, since);
  const section = kept === undefined ? contents : contentsOf(kept.stale);
  const hashed = await look(connection, [[section]], deadline);
  const whole = hashed.seen.map((one) =>
    "name" in one ? { ...one, entries: { ...kept?.hashes, ...one.entries } } : one,
  );
  return { seen: [...seen, ...whole], census };
}

/**
 * Looks at a whole node, with a script that changes nothing there; with `since`, with two.
 * @throws RemoteError when the look did not come to its end or its output is damaged. A section that this node cannot
 *   tell (a program is missing) is no error: it is in `skipped`.
 */
export async function fingerprint(
  connection: Connection,
  { deadline = 120_000, since }: FingerprintOptions = {},
): Promise<Fingerprint> {
  const takenAt = new Date().toISOString();
  const { seen, census } =
    since?.basis === undefined
      ? await look(connection, all, deadline)
      : await lookSince(connection, since, deadline);
  const basis = census === undefined ? undefined : basisOf(census);
  return {
    version: 1,
    node: connection.node,
    takenAt,
    sections: Object.fromEntries(seen.flatMap((one) => ("name" in one ? [[one.name, one.entries]] : []))),
    skipped: seen.flatMap((one) => ("name" in one ? [] : [one])),
    ...(basis === undefined ? {} : { basis }),
  };
}
