import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../src/errors.ts";
import { dataFolder } from "../src/lab/folders.ts";

/** Where everything is made that is to be gone afterwards. */
export interface Stage {
  /** On the disk that kbreak keeps its undo logs on. */
  readonly folder: string;
  /** A folder with a short name, as the names of sockets are. */
  readonly sockets: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Tells a person what goes on. */
  tell(line: string): void;
  /** Says how something is taken away, before it is made; of the same name only the last counts. */
  leave(what: string, away: () => Promise<void>): void;
  /** Takes something away now. */
  strike(what: string): Promise<void>;
  /** Takes everything away, the last first, and says what does not go. */
  clear(): Promise<void>;
}

const prefix = "bench-";

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * A new stage; what was left on one whose process was killed goes first.
 * @param sweep Takes away what a process has made outside of its stage's folder, which is the data folder then.
 */
export async function openStage(sweep: (pid: number) => Promise<void>): Promise<Stage> {
  const home = dataFolder();
  mkdirSync(home, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(home).filter((each) => each.startsWith(prefix))) {
    const pid = Number(name.slice(prefix.length));
    if (isAlive(pid)) continue;
    process.env.KBREAK_DATA_DIR = join(home, name);
    await sweep(pid);
    rmSync(join(home, name), { recursive: true, force: true });
  }
  const folder = join(home, `${prefix}${process.pid}`);
  mkdirSync(folder, { mode: 0o700 });
  process.env.KBREAK_DATA_DIR = folder;
  const sockets = mkdtempSync(join(tmpdir(), "kb-"));
  const abort = new AbortController();
  const interrupt = () => abort.abort();
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  const standing = new Map<string, () => Promise<void>>();
  const tell = (line: string) => void process.stderr.write(`${line}\n`);
  const strike = async (what: string) => {
    const away = standing.get(what);
    standing.delete(what);
    await away?.();
  };
  return {
    folder,
    sockets,
    signal: abort.signal,
    tell,
    leave: (what, away) => void standing.set(what, away),
    strike,
    async clear() {
      for (const what of [...standing.keys()].toReversed())
        await strike(what).catch((error) => tell(`${what} could not be taken away: ${messageOf(error)}`));
      for (const made of [folder, sockets]) rmSync(made, { recursive: true, force: true });
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", interrupt);
    },
  };
}
