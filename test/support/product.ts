import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { compiled } from "./compiled.ts";

/** How a process ended. */
export interface Ended {
  /** `undefined` when a signal ended it. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  /** Its descriptor 3. */
  readonly talk: Duplex;
  readonly ended: Promise<Ended>;
}

/** The product as it is installed, to be run in processes of its own. */
export interface Product {
  /** Has the layout of `dist`. */
  readonly folder: string;
  /** Starts `kbreak WORDS…` with its data in `dataFolder`. */
  start(dataFolder: string, ...words: readonly string[]): Started;
  /** Runs `kbreak WORDS…` with its data in `dataFolder` to its end. */
  kbreak(dataFolder: string, ...words: readonly string[]): Promise<Ended>;
  remove(): void;
}

/** Starts `node WORDS…` without a terminal, with a pipe to talk with it as its descriptor 3. */
export function startNode(words: readonly string[], env: NodeJS.ProcessEnv = process.env): Started {
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe", "pipe"], env });
  const talk = child.stdio[3] as Duplex;
  // A process that was killed has its end of the pipe closed.
  talk.on("error", () => {});
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({ code: code ?? undefined, signal: signal ?? undefined, ...texts }),
    );
  });
  return { child, talk, ended };
}

/** Compiles the product; the caller removes it. */
export async function useProduct(): Promise<Product> {
  const folder = await compiled();
  // Breaks import `kbreak` by its own name, so the compiled tree has to be a package of that name.
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({
      name: "kbreak",
      version: manifest.version,
      type: "module",
      exports: { ".": "./src/sdk.js" },
    }),
  );
  const start = (dataFolder: string, ...words: readonly string[]) =>
    startNode([join(folder, "src/cli/main.js"), ...words], { ...process.env, KBREAK_DATA_DIR: dataFolder });
  return {
    folder,
    start,
    kbreak: (dataFolder, ...words) => start(dataFolder, ...words).ended,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
