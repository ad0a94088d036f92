import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** Fields that may hold a secret, wherever they stand. */
const secret = ["password", "token", "key", "content", "script", "before", "after", "params", "credential"];

/** A log file as JSON lines, below the data folder, for its owner only. Secrets are redacted. */
export async function openLogger(dataFolder: string) {
  const { pino } = await import("pino");
  const folder = join(dataFolder, "log");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const logger = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: secret.flatMap((name) => [name, `*.${name}`]), censor: "[redacted]" },
    },
    pino.destination({ dest: join(folder, "kbreak.log"), mode: 0o600, sync: true }),
  );
  return {
    info: (fields: Readonly<Record<string, unknown>>, message: string) => logger.info(fields, message),
    warn: (fields: Readonly<Record<string, unknown>>, message: string) => logger.warn(fields, message),
  };
}
