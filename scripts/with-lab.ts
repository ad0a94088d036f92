/**
 * `node with-lab.js KINDS COMMAND…`: runs a command that needs practice nodes of these kinds, such as
 * `namespace,vm`, after installing what they need of this host. Ends as the command ends.
 */
import { KbreakError, messageOf } from "../src/errors.ts";
import { runAttached } from "../src/lab/command.ts";
import { allowInotify } from "../src/lab/host/inotify.ts";
import { installRequirements } from "../src/lab/install.ts";
import { parseProvider } from "../src/lab/providers.ts";

// Ctrl-C reaches the command too; how it ends decides how we do.
process.on("SIGINT", () => {});

try {
  const [kinds = "", ...command] = process.argv.slice(2);
  await installRequirements(kinds.split(",").map((kind) => parseProvider(kind).provider));
  // The tests have some thirty nodes at once; the kernel's default is enough for twenty-five.
  allowInotify(512);
  process.exitCode = await runAttached(command);
} catch (error) {
  const hint = error instanceof KbreakError && error.hint !== undefined ? `\n${error.hint}` : "";
  process.stderr.write(`${messageOf(error)}${hint}\n`);
  process.exitCode = error instanceof KbreakError ? error.exitCode : 1;
}
