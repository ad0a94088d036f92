import { gunzipSync } from "node:zlib";

/** What the script said of one section. */
export interface Frames {
  readonly data: Buffer;
  /** The exit status of the section's script; absent when it did not run. */
  readonly status: number | undefined;
  /** Why it was not looked at, in the node's words. */
  readonly because: string | undefined;
}

const isGzip = (data: Buffer) => data[0] === 0x1f && data[1] === 0x8b;

function unpacked(chunks: readonly string[]): Buffer {
  const data = Buffer.from(chunks.join(""), "base64");
  return isGzip(data) ? gunzipSync(data) : data;
}

/** What a lane wrote, by section: a line with the marker stands in front of each. */
function partsOf(lane: Buffer, marker: string): readonly (readonly [index: number, data: Buffer])[] {
  const parts = lane.toString("latin1").split(new RegExp(`${marker} section (\\d+)\\n`));
  return parts.flatMap((index, at) =>
    at % 2 === 1 ? [[Number(index), Buffer.from(parts[at + 1] ?? "", "latin1")] as const] : [],
  );
}

/**
 * Sorts a script's output by section.
 * @param count how many sections there are
 * @throws Error when the output does not reach the script's end, or is damaged
 */
export function framesOf(stdout: string, marker: string, count: number): readonly Frames[] {
  const lanes = new Map<string, string[]>();
  const statuses = new Map<number, number>();
  const reasons = new Map<number, string>();
  let ended = false;
  for (const line of stdout.split("\n")) {
    // What a start-up file printed without a newline stands in front of the marker.
    const at = line.indexOf(`${marker} `);
    if (at === -1) continue;
    const [kind = "", index = "", ...words] = line.slice(at + marker.length + 1).split(" ");
    const text = words.join(" ");
    if (kind === "data") {
      const chunks = lanes.get(index);
      if (chunks === undefined) lanes.set(index, [text]);
      else chunks.push(text);
    }
    if (kind === "status") statuses.set(Number(index), Number(text));
    if (kind === "because") reasons.set(Number(index), text);
    if (kind === "end") ended = true;
  }
  if (!ended) throw new Error("the script's output ends early");
  const parts = new Map([...lanes.values()].flatMap((chunks) => partsOf(unpacked(chunks), marker)));
  return Array.from({ length: count }, (_, index) => ({
    data: parts.get(index) ?? Buffer.alloc(0),
    status: statuses.get(index),
    because: reasons.get(index),
  }));
}
