import { randomBytes } from "node:crypto";
import { messageOf, RemoteError } from "../errors.ts";
import type { Connection, Outcome } from "../transport/transport.ts";
import { type Frames, framesOf } from "./frames.ts";
import { scriptFor } from "./script.ts";
import type { Section } from "./section.ts";
import { type Census, censusOf, files } from "./sections/files.ts";
import { lanes as all } from "./sections.ts";
import { type Seen, sectionsOf } from "./seen.ts";
import { basisOf, keptOf, lasting } from "./since.ts";
import type { Basis, Fingerprint } from "./types.ts";

export interface FingerprintOptions {
  /** Milliseconds that each of the look's scripts may take. Default 120 000; a node of the lab needs about 1500. */
  readonly deadline?: number;
  /**
   * An earlier look at the same machine, of which hashes and attributes are kept: of each path whose device, inode,
   * size and times of modification and change are to the nanosecond what they were. The states of unit files are kept
   * while that holds for all files of units, and what is in etcd while its log has not grown. Everything else is looked at as ever. After a reboot, or with a look from
   * a snapshot, nothing is kept.
   *
   * No program can set a time of change, but three things get around it: moving the clock back to the nanosecond of the
   * last change and writing then, writing to the disk beneath the file system, and writing through a mapped page that
   * vm.dirty_* keep off the disk for longer than a minute.
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

function see(section: Section, frames: Frames): Seen {
  const reason = reasonOf(frames);
  if (reason !== undefined) return { section: section.name, reason };
  return { name: section.name, entries: section.read(frames.data) };
}

interface Look {
  readonly seen: readonly Seen[];
  readonly census: Census;
  /** What the sections that are signs only have seen, by name. */
  readonly signs: Basis["signs"];
}

/** Of a node whose files could not be listed. */
const unknown: Census = { machine: undefined, paths: [] };

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
    const seen = sections.map((section, index) => see(section, frames[index] as Frames));
    return {
      seen: seen.filter((_, index) => !isSign(sections[index])),
      signs: Object.fromEntries(
        seen.flatMap((one, index) =>
          isSign(sections[index]) && "name" in one ? [[one.name, one.entries]] : [],
        ),
      ),
      census: ofFiles === undefined || reasonOf(ofFiles) !== undefined ? unknown : censusOf(ofFiles.data),
    };
  } catch (cause) {
    throw new RemoteError(`the look at ${connection.node} cannot be read: ${messageOf(cause)}`, {
      target: connection.node,
      hint: "try again; if it stays so, report it with the node's distribution",
      cause,
    });
  }
}

const isSign = (section: Section | undefined) =>
  lasting.some(({ sign }) => sign !== undefined && sign === section);

/** The signs of a section are in front of it: what changes between the two is seen by the next look. */
const signed = all.map((lane) =>
  lane.flatMap((section) => {
    const sign = lasting.find(({ whole }) => whole === section)?.sign;
    return sign === undefined ? [section] : [sign, section];
  }),
);

const always = signed
  .map((lane) => lane.filter((section) => !lasting.some(({ whole }) => whole === section)))
  .filter((lane) => lane.length > 0);

/** Looks at everything but what an earlier look can tell, then at what is left. */
async function lookSince(connection: Connection, since: Fingerprint, deadline: number): Promise<Look> {
  const { seen, census, signs } = await look(connection, always, deadline);
  const kept = lasting.map((each) => keptOf(each, census, since, signs));
  const rest = lasting.map(({ whole, only }, index) => {
    const stale = kept[index]?.stale;
    return stale === undefined ? whole : only(stale);
  });
  const late = await look(connection, [rest], deadline);
  const whole = late.seen.map((one, index) =>
    "name" in one ? { ...one, entries: { ...kept[index]?.entries, ...one.entries } } : one,
  );
  return { seen: [...seen, ...whole], census, signs };
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
  const { seen, census, signs } =
    since?.basis === undefined
      ? await look(connection, signed, deadline)
      : await lookSince(connection, since, deadline);
  const basis = basisOf(census, signs);
  return {
    version: 1,
    node: connection.node,
    takenAt,
    ...sectionsOf(seen),
    ...(basis === undefined ? {} : { basis }),
  };
}
