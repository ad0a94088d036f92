import { fileURLToPath } from "node:url";
import { attempt, runAttached } from "../src/lab/command.ts";
import { allowInotify } from "../src/lab/host/inotify.ts";
import { installRequirements } from "../src/lab/install.ts";
import { cachedPrograms } from "../src/lab/kubernetes/programs.ts";
import { parseProvider } from "../src/lab/providers.ts";

/** Builds the programs of a Kubernetes where the cache has none and Go is there; else the tests say what they lack. */
async function buildPrograms(): Promise<void> {
  if (cachedPrograms() !== undefined) return;
  if ((await attempt(["sh", "-c", "command -v go"])).code !== 0) return;
  const script = fileURLToPath(new URL("../../test/lab/kubernetes/build.sh", import.meta.url));
  process.stderr.write("building the programs of a Kubernetes, which takes about twenty minutes\n");
  await runAttached([script]);
}

/**
 * Brings what tests and demos need of this host.
 * @param parts Kinds of practice nodes, such as `namespace` or `vm`, and `kubernetes`.
 * @throws what {@link installRequirements} throws, and UsageError for another word.
 */
export async function prepareHost(parts: readonly string[]): Promise<void> {
  await installRequirements(
    parts.map((part) => (part === "kubernetes" ? part : parseProvider(part).provider)),
  );
  // The tests have some thirty nodes at once; the kernel's default is enough for twenty-five.
  allowInotify(512);
  if (parts.includes("kubernetes")) await buildPrograms();
}
