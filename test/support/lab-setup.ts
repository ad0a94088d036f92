import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labDown } from "../../src/lab/lab.ts";

const prefix = "kbreak-test-";

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Takes down the labs of a data folder of tests and removes it. */
async function clear(folder: string): Promise<void> {
  process.env.KBREAK_DATA_DIR = folder;
  let labs: readonly string[] = [];
  try {
    labs = readdirSync(join(folder, "lab"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    // No test had a lab.
  }
  for (const lab of labs) await labDown(lab);
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Gives the whole test run a data folder of its own in `KBREAK_DATA_DIR`, so that no test meets the labs and runs of
 * the person at the keyboard, and takes down every lab in it at the end. What a killed run left goes first.
 */
export default async function setup(): Promise<() => Promise<void>> {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(prefix))) {
    if (!isAlive(Number(name.slice(prefix.length)))) await clear(join(tmpdir(), name));
  }
  const folder = join(tmpdir(), `${prefix}${process.pid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  process.env.KBREAK_DATA_DIR = folder;
  return () => clear(folder);
}
