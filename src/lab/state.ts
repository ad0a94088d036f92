import { join } from "node:path";
import { KbreakError, UsageError } from "../errors.ts";
import { readIfThere, writeWhole } from "./file.ts";
import { labFolder } from "./folders.ts";
import type { NodeCount } from "./nodes.ts";
import { everyNode } from "./providers.ts";
import type { Lab } from "./types.ts";

interface Saved {
  readonly version: 1;
  readonly count: NodeCount;
  /** Missing in labs from before there was a choice. */
  readonly providers?: Lab["providers"];
  readonly kubernetes?: Lab["kubernetes"];
  readonly ports: Readonly<Record<string, number>>;
}

/**
 * Checks the name of a lab, which becomes part of file names and of the names of network namespaces.
 * @throws UsageError
 */
export function checkName(name: string): void {
  if (/^[a-z][a-z0-9-]{0,29}$/.test(name)) return;
  throw new UsageError(
    `a lab cannot be called ${JSON.stringify(name)}: lower case letters, digits and dashes are wanted, at most 30, a letter first`,
  );
}

/** The lab of this name, or `undefined`. */
export function readLab(name: string): Lab | undefined {
  checkName(name);
  const folder = labFolder(name);
  const file = join(folder, "lab.json");
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  const saved: Saved = JSON.parse(text);
  if (saved.version !== 1) {
    throw new KbreakError(`${file} is of version ${saved.version}; this kbreak knows version 1`, {
      hint: "use the kbreak that made the lab",
    });
  }
  const { count, ports, providers, kubernetes } = saved;
  return {
    ...{ name, folder, count, ports, providers: providers ?? everyNode(count, "namespace") },
    ...(kubernetes === undefined ? {} : { kubernetes }),
  };
}

/** Keeps what the lab is made of, before anything of it is made. */
export function writeLab(lab: Lab): void {
  const { count, ports, providers, kubernetes } = lab;
  const saved: Saved = {
    ...{ version: 1, count, providers, ports },
    ...(kubernetes === undefined ? {} : { kubernetes }),
  };
  writeWhole(join(lab.folder, "lab.json"), `${JSON.stringify(saved, undefined, 2)}\n`);
}
