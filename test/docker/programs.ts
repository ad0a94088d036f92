import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { attempt, run } from "../../src/lab/command.ts";

const packages = ["docker.io", "containerd", "runc"];
const cache = join(process.env.KBREAK_CACHE_DIR ?? join(homedir(), ".cache/kbreak"), "docker");

/**
 * The folder that has the programs of Debian's Docker below `usr`: fetched once, and unpacked into the cache beside the
 * host's own, as installing them would start a daemon. @throws KbreakError where apt cannot bring them.
 */
export async function dockerPrograms(): Promise<string> {
  const folder = join(cache, "root");
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const temporary = mkdtempSync(join(cache, ".new-"));
  try {
    const download = ["sh", "-c", 'cd "$0" && exec apt-get -q download "$@"', temporary, ...packages];
    if ((await attempt(download)).code !== 0) {
      await run(["apt-get", "-q", "update"]);
      await run(download);
    }
    const root = join(temporary, "root");
    const archives = readdirSync(temporary).filter((name) => name.endsWith(".deb"));
    for (const name of archives) await run(["dpkg-deb", "-x", join(temporary, name), root]);
    renameSync(root, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return folder;
}

const kindVersion = "v0.33.0";

/**
 * The folder of the program `kind`, built by Go into the cache once: it needs no release's download.
 * @throws KbreakError where Go is not there or cannot build it.
 */
export async function kindProgram(): Promise<string> {
  const folder = join(cache, `kind-${kindVersion}`);
  if (!existsSync(join(folder, "kind")))
    await run([
      "env",
      `GOBIN=${folder}`,
      "CGO_ENABLED=0",
      "go",
      "install",
      `sigs.k8s.io/kind@${kindVersion}`,
    ]);
  return folder;
}

/** The folder of kind's source, as Go has it after it has built kind. */
export async function kindSource(): Promise<string> {
  const module = `sigs.k8s.io/kind@${kindVersion}`;
  return JSON.parse(await run(["go", "mod", "download", "-json", module])).Dir;
}
