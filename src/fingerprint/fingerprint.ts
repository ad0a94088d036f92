import { randomBytes } from "node:crypto";
import { messageOf, RemoteError } from "../errors.ts";
import type { Connection, Outcome } from "../transport/transport.ts";
import { type Frames, framesOf } from "./frames.ts";
import { scriptFor } from "./script.ts";
import type { Section } from "./section.ts";
import { sections as all } from "./sections.ts";
import type { Entries, Fingerprint, Skipped } from "./types.ts";

export interface FingerprintOptions {
  /** Milliseconds that the look may take. Default 120 000; a node of the lab needs about 1500. */
  readonly deadline?: number;
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

/**
 * Looks at a whole node, with one script that changes nothing there.
 * @throws RemoteError when the look did not come to its end or its output is damaged. A section that this node cannot
 *   tell (a program is missing) is no error: it is in `skipped`.
 */
export async function fingerprint(
  connection: Connection,
  { deadline = 120_000 }: FingerprintOptions = {},
): Promise<Fingerprint> {
  const marker = randomBytes(12).toString("hex");
  const takenAt = new Date().toISOString();
  const outcome = await connection.run(scriptFor(all, marker), { deadline });
  const stdout = textOf(outcome, connection.node);
  try {
    const frames = framesOf(stdout, marker, all.length);
    const seen = all.map((section, index) => see(section, frames[index] as Frames));
    return {
      version: 1,
      node: connection.node,
      takenAt,
      sections: Object.fromEntries(seen.flatMap((one) => ("name" in one ? [[one.name, one.entries]] : []))),
      skipped: seen.flatMap((one) => ("name" in one ? [] : [one])),
    };
  } catch (cause) {
    throw new RemoteError(`the look at ${connection.node} cannot be read: ${messageOf(cause)}`, {
      target: connection.node,
      hint: "try again; if it stays so, report it with the node's distribution",
      cause,
    });
  }
}
