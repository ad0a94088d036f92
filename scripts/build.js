/**
 * Compiles the project into dist/, unless dist/ was made from the same sources. `npx kbreak` builds each time (npm runs
 * `prepare` for it), and must neither take long nor take away the files of a kbreak that is running.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stamp = join(root, "dist", ".sources");

/** Every source file below a folder, sorted. @param {string} folder @returns {string[]} */
const sources = (folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|js|c)$/.test(name))
    .map((name) => join(folder, name))
    .sort();

const hash = createHash("sha256").update(process.version);
for (const file of [
  "package-lock.json",
  "tsconfig.json",
  "tsconfig.build.json",
  ...["src", "breaks", "scripts", "bench"].flatMap(sources),
])
  hash.update(`${file}\0`).update(readFileSync(join(root, file)));
const now = hash.digest("hex");

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== now) {
  const made = join(root, "dist.new");
  rmSync(made, { recursive: true, force: true });
  const { status } = spawnSync("tsc", ["-p", "tsconfig.build.json", "--outDir", made], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
  // Sources that are compiled elsewhere are read when they are needed.
  for (const file of sources("src").filter((name) => name.endsWith(".c")))
    copyFileSync(join(root, file), join(made, file));
  chmodSync(join(made, "src", "cli", "main.js"), 0o755);
  writeFileSync(join(made, ".sources"), now);
  rmSync(join(root, "dist"), { recursive: true, force: true });
  renameSync(made, join(root, "dist"));
}
