import type { Command } from "commander";
import type { Snapshot } from "../fingerprint/snapshot.ts";
import type { Fingerprint } from "../fingerprint/types.ts";
import type { Inventory, InventoryNode } from "../inventory/types.ts";
import { forksOption, inventoryOption, outputOption, print, printJson } from "./options.ts";

interface SaveOptions {
  readonly inventory?: string;
  readonly limit?: string;
  readonly forks: number;
}

interface ShowOptions extends SaveOptions {
  readonly output: "table" | "json";
  readonly detailedExitcode?: boolean;
}

/** Exit code when a node could not be reached. */
const UNREACHABLE = 4;
/** Exit code of `--detailed-exitcode` when there are differences. */
const DIFFERENT = 2;

/** Adds `kbreak diff save|show`. */
export function register(program: Command): void {
  const diff = program
    .command("diff")
    .description(
      "What changed on these nodes: files, firewall, units, processes, etcd, the cluster's objects and more",
    )
    .addHelpText(
      "after",
      `
Examples:
  kbreak diff save healthy                 look at all nodes and keep it
  kbreak diff show healthy                 what is different now
  kbreak diff show healthy broken          what was different between two kept looks
`,
    );
  diff
    .command("save <name>")
    .description("Look at the nodes, and keep that under a name or in a FILE.json")
    .addOption(inventoryOption())
    .option("--limit <selection>", "only these nodes, such as cp1 or worker,!w3")
    .addOption(forksOption())
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak diff save healthy\n  kbreak diff save before.json --limit cp1\n",
    )
    .action(save);
  diff
    .command("show <before> [after]")
    .description(
      "Show the differences between two looks; without the second one, to the nodes as they are now",
    )
    .addOption(inventoryOption())
    .option("--limit <selection>", "only these nodes")
    .addOption(forksOption())
    .addOption(outputOption("table", "json"))
    .option("--detailed-exitcode", "exit with 2 when there are differences")
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak diff show healthy\n  kbreak diff show healthy broken -o json\n",
    )
    .action(show);
}

async function fileOf(name: string): Promise<string> {
  const { join } = await import("node:path");
  const { dataFolder } = await import("../lab/folders.ts");
  return name.includes("/") || name.endsWith(".json") ? name : join(dataFolder(), "diff", `${name}.json`);
}

async function openInventory(file: string | undefined): Promise<Inventory> {
  const { inventoryFile } = await import("./inventory-file.ts");
  const { loadInventory } = await import("../inventory/load.ts");
  return loadInventory(await inventoryFile(file));
}

async function lookAt(inventory: Inventory, node: InventoryNode): Promise<Fingerprint> {
  const { checkIdentity, enrolledIdentity, readEnrolment } = await import("../inventory/enrolment.ts");
  const { identify } = await import("../inventory/identify.ts");
  const { connect } = await import("../transport/connect.ts");
  const { fingerprint } = await import("../fingerprint/fingerprint.ts");
  const { withCluster } = await import("../fingerprint/cluster/with-cluster.ts");
  const enrolment = await readEnrolment(inventory);
  const { hostKey } = enrolledIdentity(inventory, enrolment, node.name);
  const connection = await connect(node, { hostKey });
  try {
    checkIdentity(inventory, enrolment, node.name, await identify(connection));
    return await withCluster(await fingerprint(connection), connection);
  } finally {
    await connection.close();
  }
}

/** Looks at the nodes side by side. One that cannot be reached is left out and told on standard error. */
async function look(
  inventory: Inventory,
  nodes: readonly InventoryNode[],
  forks: number,
): Promise<readonly Fingerprint[]> {
  const { sideBySide } = await import("../engine/context.ts");
  const { ConnectError, messageOf } = await import("../errors.ts");
  const seen = await sideBySide(nodes, forks, async (node) => {
    try {
      return [await lookAt(inventory, node)];
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      process.stderr.write(`${node.name} is left out: ${messageOf(error)}\n`);
      process.exitCode = UNREACHABLE;
      return [];
    }
  });
  return seen.flat();
}

async function save(name: string, options: SaveOptions): Promise<void> {
  const { select } = await import("../inventory/select.ts");
  const { saveSnapshot } = await import("../fingerprint/snapshot.ts");
  const inventory = await openInventory(options.inventory);
  const fingerprints = await look(inventory, select(inventory, options.limit ?? "all"), options.forks);
  if (fingerprints.length === 0) return;
  const file = await fileOf(name);
  await saveSnapshot(file, fingerprints);
  for (const { node, skipped } of fingerprints) {
    for (const { section, reason } of skipped) {
      process.stderr.write(`${node}: not looked at: ${section} (${reason})\n`);
    }
  }
  print(file);
}

/** Those of a snapshot's nodes that `--limit` selects. */
async function limited(snapshot: Snapshot, { inventory, limit }: SaveOptions): Promise<Snapshot> {
  if (limit === undefined) return snapshot;
  const { select } = await import("../inventory/select.ts");
  const names = new Set(select(await openInventory(inventory), limit).map(({ name }) => name));
  return { ...snapshot, fingerprints: snapshot.fingerprints.filter(({ node }) => names.has(node)) };
}

/** The same nodes as they are now. */
async function lookAgain(before: Snapshot, options: SaveOptions): Promise<Snapshot> {
  const inventory = await openInventory(options.inventory);
  const names = new Set(before.fingerprints.map(({ node }) => node));
  const nodes = inventory.nodes.filter(({ name }) => names.has(name));
  return { version: 1, fingerprints: await look(inventory, nodes, options.forks) };
}

async function show(before: string, after: string | undefined, options: ShowOptions): Promise<void> {
  const { compare, loadSnapshot } = await import("../fingerprint/snapshot.ts");
  const { differencesTable } = await import("../render/differences.ts");
  const first = await limited(await loadSnapshot(await fileOf(before)), options);
  const second =
    after === undefined
      ? await lookAgain(first, options)
      : await limited(await loadSnapshot(await fileOf(after)), options);
  const result = compare(first, second);
  for (const node of result.onlyBefore) process.stderr.write(`${node}: only in the first look\n`);
  for (const node of result.onlyAfter) process.stderr.write(`${node}: only in the second look\n`);
  const count = result.nodes.reduce((sum, { differences }) => sum + differences.length, 0);
  if (options.output === "json") printJson(result);
  else if (count > 0) print(differencesTable(result.nodes));
  else process.stderr.write(`no differences on ${result.nodes.length} nodes\n`);
  if (count > 0 && options.detailedExitcode) process.exitCode = DIFFERENT;
}
