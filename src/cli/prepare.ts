import { existsSync } from "node:fs";
import type { Context } from "../engine/context.ts";
import type { PlanRequest } from "../engine/plan.ts";
import type { Access } from "../engine/undo-run.ts";
import { ConfigError, UsageError } from "../errors.ts";
import type { Inventory } from "../inventory/types.ts";
import { createProgress, type Progress } from "../render/progress.ts";
import { isInteractive, isMovable } from "./options.ts";

/** The options that every verb which plans something has. */
export interface PlanFlags {
  readonly inventory?: string;
  readonly limit?: string;
  readonly param: readonly string[];
  readonly forks: number;
  readonly spoilers: "yes" | "no";
}

/** Everything that planning needs, from a playbook's path or a break's id. */
export async function prepareRequest(what: string, flags: PlanFlags): Promise<PlanRequest> {
  const [{ openCatalogue }, { loadInventory }, { readEnrolment }, { inventoryFile }] = await Promise.all([
    import("./catalogue.ts"),
    import("../inventory/load.ts"),
    import("../inventory/enrolment.ts"),
    import("./inventory-file.ts"),
  ]);
  const { breaks } = await openCatalogue();
  const playbook = await playbookFor(what, flags.param, breaks);
  const inventory = await loadInventory(await inventoryFile(flags.inventory));
  const enrolment = await readEnrolment(inventory);
  return {
    playbook,
    inventory,
    enrolment,
    breaks,
    ...(flags.limit === undefined ? {} : { limit: flags.limit }),
  };
}

type Breaks = PlanRequest["breaks"];

async function playbookFor(what: string, params: readonly string[], breaks: Breaks) {
  const isFile = /\.ya?ml$/.test(what) || (existsSync(what) && !breaks.has(what));
  if (!isFile) {
    const { playbookOf } = await import("../playbook/single.ts");
    return playbookOf(what, params, breaks);
  }
  if (params.length > 0)
    throw new UsageError("--param is for a single break; a playbook has its parameters in its steps");
  const [{ loadPlaybook }, { kinds }] = await Promise.all([
    import("../playbook/load.ts"),
    import("../operations/index.ts"),
  ]);
  return loadPlaybook(what, { breaks, operations: kinds });
}

/** The engine's surroundings for one command, until `close`. */
export interface Prepared {
  readonly context: Context;
  readonly progress: Progress;
  /** Ends the progress display, and gives Ctrl-C back. */
  close(): void;
}

/**
 * @param farewell what is said on Ctrl-C, when nothing has to be brought to its end: nothing.
 * @throws KbreakError when nothing can be kept in the data folder.
 */
export async function prepareContext(
  flags: { readonly forks: number; readonly spoilers: "yes" | "no" },
  farewell = "interrupted: finishing the step under way; once more ends at once",
): Promise<Prepared> {
  const [{ connect }, { dataFolder }, { openLogger }] = await Promise.all([
    import("../transport/connect.ts"),
    import("../lab/folders.ts"),
    import("../logger.ts"),
  ]);
  const folder = dataFolder();
  const logger = await openLogger(folder);
  const progress = await createProgress({
    live: isInteractive() && isMovable(process.stderr) && !process.env.CI,
    spoilers: flags.spoilers === "yes",
  });
  const { signal, forget } = interruptions(() => {
    if (farewell !== "") progress.emit({ type: "notice", message: farewell });
  });
  return {
    context: { dataFolder: folder, connect, emit: progress.emit, logger, signal, forks: flags.forks },
    progress,
    close() {
      progress.close();
      forget();
    },
  };
}

/** The first Ctrl-C finishes the step and undoes; the second ends kbreak at once, and the undo log stays for `kbreak undo`. */
function interruptions(tell: () => void) {
  const abort = new AbortController();
  const interrupt = () => {
    if (abort.signal.aborted) process.exit(130);
    tell();
    abort.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return {
    signal: abort.signal,
    forget() {
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", interrupt);
    },
  };
}

/**
 * How the targets of a run are reached: as its inventory says today, else as it said when the run was made.
 * @param named An inventory to be taken instead, which has to be right. @throws ConfigError
 */
export async function accessOf(file: string, named?: string): Promise<Access> {
  const { loadInventory } = await import("../inventory/load.ts");
  const inventory = named === undefined ? await inventoryToday(file) : await loadInventory(named);
  return (target) => inventory?.nodes.find(({ name }) => name === target.name) ?? target.access;
}

/** `undefined` when the inventory is gone or cannot be read any more: the run knows how it reached its nodes. */
async function inventoryToday(file: string): Promise<Inventory | undefined> {
  const { loadInventory } = await import("../inventory/load.ts");
  try {
    return await loadInventory(file);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}
