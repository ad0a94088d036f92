/**
 * `node with-lab.js COMMAND…`: runs a command that needs practice nodes, after installing what they need of this
 * host. Ends as the command ends.
 */
import { KbreakError, messageOf } from "../src/errors.ts";
import { runAttached } from "../src/lab/command.ts";
import { installRequirements } from "../src/lab/install.ts";

// Ctrl-C reaches the command too; how it ends decides how we do.
process.on("SIGINT", () => {});

try {
  await installRequirements();
  process.exitCode = await runAttached(process.argv.slice(2));
} catch (error) {
  const hint = error instanceof KbreakError && error.hint !== undefined ? `\n${error.hint}` : "";
  process.stderr.write(`${messageOf(error)}${hint}\n`);
  process.exitCode = error instanceof KbreakError ? error.exitCode : 1;
}
