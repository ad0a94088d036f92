/**
 * `node with-lab.js PARTS COMMAND…`: runs a command that needs practice nodes of these kinds, such as `namespace,vm` or
 * `namespace,kubernetes`, after installing what they need of this host. Ends as the command ends.
 */
import { fileURLToPath } from "node:url";
import { KbreakError, messageOf } from "../src/errors.ts";
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

// Ctrl-C reaches the command too; how it ends decides how we do.
process.on("SIGINT", () => {});

try {
  const [parts = "", ...command] = process.argv.slice(2);
  await installRequirements(
    parts.split(",").map((part) => (part === "kubernetes" ? part : parseProvider(part).provider)),
  );
  // The tests have some thirty nodes at once; the kernel's default is enough for twenty-five.
  allowInotify(512);
  if (parts.split(",").includes("kubernetes")) await buildPrograms();
  process.exitCode = await runAttached(command);
} catch (error) {
  const hint = error instanceof KbreakError && error.hint !== undefined ? `\n${error.hint}` : "";
  process.stderr.write(`${messageOf(error)}${hint}\n`);
  process.exitCode = error instanceof KbreakError ? error.exitCode : 1;
}
