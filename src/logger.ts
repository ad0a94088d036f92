import { fchmodSync, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFolder } from "./private-files.ts";

/** Fields that may hold a secret, wherever they stand. */
const secret = ["password", "token", "key", "content", "script", "before", "after", "params", "credential"];

type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/**
 * A log file as JSON lines, below the data folder, for its owner only. Secrets are redacted.
 *
 * It never throws: where the file cannot be written, undoing a lab matters more than telling of it afterwards.
 */
export async function openLogger(
  dataFolder: string,
): Promise<{ readonly info: Write; readonly warn: Write }> {
  const descriptor = openLogFile(dataFolder);
  if (descriptor === undefined) return { info: () => {}, warn: () => {} };
  const { pino } = await import("pino");
  const destination = pino.destination({ dest: descriptor, sync: true });
  destination.on("error", () => {});
  const logger = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: secret.flatMap((name) => [name, `*.${name}`]), censor: "[redacted]" },
    },
    destination,
  );
  return {
    info: (fields, message) => quietly(() => logger.info(fields, message)),
    warn: (fields, message) => quietly(() => logger.warn(fields, message)),
  };
}

function openLogFile(dataFolder: string): number | undefined {
  try {
    const folder = join(dataFolder, "log");
    makePrivateFolder(folder);
    const descriptor = openSync(join(folder, "kbreak.log"), "a", 0o600);
    // The umask may have taken too much off, an older file may have another mode; what is no file, such as /dev/null, keeps its own.
    if (fstatSync(descriptor).isFile()) fchmodSync(descriptor, 0o600);
    return descriptor;
  } catch {
    return undefined;
  }
}

function quietly(write: () => void): void {
  try {
    write();
  } catch {
    // The disk is full.
  }
}
