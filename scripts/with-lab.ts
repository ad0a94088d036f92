/**
 * `node with-lab.js PARTS COMMAND…`: runs a command that needs practice nodes of these kinds, such as `namespace,vm` or
 * `namespace,kubernetes`, after installing what they need of this host. Ends as the command ends.
 */
import { KbreakError, messageOf } from "../src/errors.ts";
import { runAttached } from "../src/lab/command.ts";
import { prepareHost } from "./prepare-host.ts";

// Ctrl-C reaches the command too; how it ends decides how we do.
process.on("SIGINT", () => {});

try {
  const [parts = "", ...command] = process.argv.slice(2);
  await prepareHost(parts.split(","));
  process.exitCode = await runAttached(command);
} catch (error) {
  const hint = error instanceof KbreakError && error.hint !== undefined ? `\n${error.hint}` : "";
  process.stderr.write(`${messageOf(error)}${hint}\n`);
  process.exitCode = error instanceof KbreakError ? error.exitCode : 1;
}
