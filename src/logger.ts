import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** Fields that may hold a secret, wherever they stand. */
const secret = ["password", "token", "key", "content", "script", "before", "after", "params", "credential"];

/** What is known of a node, for every line about it. */
export interface NodeFields {
  readonly cluster?: string;
  readonly zone?: string;
}

/** A log file as JSON lines, below the data folder, for its owner only. Secrets are redacted. */
export async function openLogger(dataFolder: string, nodes: ReadonlyMap<string, NodeFields>) {
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
  const complete = (fields: Readonly<Record<string, unknown>>) => ({
    ...fields,
    ...(typeof fields.node === "string" ? nodes.get(fields.node) : undefined),
  });
  return {
    info: (fields: Readonly<Record<string, unknown>>, message: string) =>
      logger.info(complete(fields), message),
    warn: (fields: Readonly<Record<string, unknown>>, message: string) =>
      logger.warn(complete(fields), message),
  };
}
