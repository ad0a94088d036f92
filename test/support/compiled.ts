import { cpSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { attempt } from "../../src/lab/command.ts";

/**
 * The project compiled as it is now, for tests that need it in a process of its own: gives the folder, which has the
 * layout of `dist`; the caller removes it. Not `dist` itself, which may be older or be in the making.
 */
export async function compiled(): Promise<string> {
  // Below node_modules, so that the dependencies are found and neither git nor the linter looks.
  const folder = resolve(`node_modules/.cache/kbreak-test-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  // What is below a node_modules folder is not part of the package above it.
  writeFileSync(`${folder}/package.json`, '{ "type": "module" }\n');
  // Type errors are for `npm run types`; what is compiled runs all the same.
  await attempt(["npx", "tsc", "-p", "tsconfig.build.json", "--outDir", folder]);
  // As scripts/build.js does with sources that are compiled elsewhere.
  const filter = (path: string) => path.endsWith(".c") || statSync(path).isDirectory();
  cpSync("src", join(folder, "src"), { recursive: true, filter });
  return folder;
}
