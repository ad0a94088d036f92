import { createHash } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { KbreakError, messageOf } from "../../errors.ts";
import { run } from "../command.ts";
import { withLock } from "../lock.ts";
import type { Progress } from "../types.ts";
import { programsCache } from "./programs.ts";
import { type ReleaseFile, releaseName, releases } from "./releases.ts";

const hint = [
  "kbreak lab up --kubernetes --binaries DIR     with the programs from elsewhere",
  "From a proxy: export NODE_USE_ENV_PROXY=1 HTTPS_PROXY=…  (Node.js 24 or newer)",
].join("\n");

async function get(url: string): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url);
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new KbreakError(`${url} cannot be had: ${messageOf(cause)}`, { cause: error, hint });
  }
  if (answer.ok) return answer;
  throw new KbreakError(`${url} cannot be had: the server answers ${answer.status} ${answer.statusText}`, {
    hint,
  });
}

/**
 * The SHA-256 of a file as a file of sums tells it: the digest alone, or lines `DIGEST  NAME`.
 * @throws KbreakError when it does not.
 */
export function digestIn(sums: string, name: string): string {
  const lines = sums.trim().split("\n");
  const line = lines.find((each) => each.trim().split(/[\s*]+/)[1] === name) ?? lines[0];
  const [digest = "", of] = line?.trim().split(/[\s*]+/) ?? [];
  if (/^[0-9a-f]{64}$/i.test(digest) && (of === undefined || of === name)) return digest.toLowerCase();
  throw new KbreakError(`the published checksums do not tell that of ${name}`);
}

/** Brings one file of a release to a folder of programs. @throws KbreakError when it is not what was published. */
export async function fetchRelease(release: ReleaseFile, folder: string): Promise<void> {
  const name = basename(new URL(release.url).pathname);
  const wanted = digestIn(await (await get(release.sums)).text(), name);
  const file = join(folder, name);
  const hash = createHash("sha256");
  const { body } = await get(release.url);
  if (body === null) throw new KbreakError(`${release.url} is empty`, { hint });
  await pipeline(
    body,
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(file),
  );
  const digest = hash.digest("hex");
  if (digest !== wanted)
    throw new KbreakError(
      `${release.url} is not what was published: its SHA-256 is ${digest}, not ${wanted}`,
    );
  for (const [member, target] of Object.entries(release.members)) {
    const path = join(folder, target);
    mkdirSync(dirname(path), { recursive: true });
    // What has its name is whole.
    const part = release.archive ? `${path}.part` : file;
    if (release.archive) await run(["sh", "-c", 'tar -xOf "$1" "$2" >"$3"', "sh", file, member, part]);
    await run(["chmod", "755", part]);
    renameSync(part, path);
  }
  await run(["rm", "-f", "--", file]);
}

/**
 * Gives the folder with the programs of the official releases; brings what is not in the cache, about 450 MB, with its
 * checksums verified. An interrupted download goes on with the file that it was at.
 * @throws KbreakError when they cannot be had.
 */
export async function officialPrograms(progress: Progress): Promise<string> {
  const folder = join(programsCache(), releaseName);
  const onWait = () => progress("programs: another process brings them; waiting");
  await withLock(join(programsCache(), ".release.lock"), onWait, async () => {
    if (existsSync(folder)) return;
    const unfinished = `${folder}.part`;
    mkdirSync(unfinished, { recursive: true });
    for (const [index, release] of releases.entries()) {
      if (Object.values(release.members).every((path) => existsSync(join(unfinished, path)))) continue;
      progress(`programs: ${index + 1}/${releases.length} ${release.url}`);
      await fetchRelease(release, unfinished);
    }
    await run(["sync", "-f", unfinished]);
    renameSync(unfinished, folder);
  });
  return folder;
}
