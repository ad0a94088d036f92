import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const cache = process.env.KBREAK_CACHE_DIR ?? join(homedir(), ".cache/kbreak");

/** The folder of Kubernetes' programs that test/lab/kubernetes/build.sh has built, or `undefined`. */
export function builtPrograms(): string | undefined {
  const folder = join(cache, "kubernetes");
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .map((name) => join(folder, name, "bin"))
    .find((bin) => !bin.includes(".part/") && existsSync(join(bin, "kube-apiserver")));
}
