import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { docs, docsFolder } from "./docs.ts";
import { schemas } from "./schemas.ts";

/** Every file of the project that is made from its sources, by its path in the project. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  return new Map([...(await schemas()), ...(await docs())]);
}

/** The pages of breaks that are there no more. */
export function leftovers(project: string, wanted: ReadonlyMap<string, string>): readonly string[] {
  const folder = join(project, docsFolder);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${docsFolder}/${name}`)
    .filter((path) => !wanted.has(path));
}

/** Writes those of them that are not there as they should be, and removes leftovers; gives their paths. */
export async function writeGenerated(project: string): Promise<readonly string[]> {
  const wanted = await generated();
  const stale = [...wanted].filter(([path, text]) => present(join(project, path)) !== text);
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }
  const gone = leftovers(project, wanted);
  for (const path of gone) rmSync(join(project, path));
  return [...stale.map(([path]) => path), ...gone];
}

function present(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
