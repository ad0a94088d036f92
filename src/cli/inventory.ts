import { type Command, Option } from "commander";
import type { Enrolment, Inventory, InventoryNode } from "../inventory/types.ts";

type Output = "table" | "json" | "yaml" | "name";

interface ListOptions {
  readonly inventory?: string;
  readonly output: Output;
  readonly limit?: string;
}

interface EnrolFlags {
  readonly inventory?: string;
  readonly limit?: string;
  readonly replace?: string;
  readonly yes?: boolean;
}

/** Adds `kbreak inventory list|show|enrol`. */
export function register(program: Command): void {
  const inventory = program
    .command("inventory")
    .description("The nodes of a lab: what they are and how to reach them");
  const file = () =>
    new Option(
      "-i, --inventory <file>",
      "the inventory (default: $KBREAK_INVENTORY, else the practice nodes')",
    );
  const output = () =>
    new Option("-o, --output <format>", "how to print it")
      .choices(["table", "json", "yaml", "name"])
      .default("table");

  inventory
    .command("list")
    .description("List the nodes")
    .addOption(file())
    .addOption(output())
    .option("--limit <selection>", "only these nodes, such as cp1 or worker,!w3")
    .action(list);
  inventory
    .command("show <node>")
    .description("Show all that is known of one node, and how ssh will reach it")
    .addOption(file())
    .addOption(output())
    .action(show);
  inventory
    .command("enrol")
    .alias("enroll")
    .description("Say once that these nodes are a lab, and may be broken")
    .addOption(file())
    .option("--limit <selection>", "only these nodes")
    .option(
      "--replace <selection>",
      "take these nodes as what they are now, such as after a new installation",
    )
    .option("-y, --yes", "do not ask")
    .action(enrolNodes);
}

async function open(file: string | undefined): Promise<Inventory> {
  const { inventoryFile } = await import("./inventory-file.ts");
  const { loadInventory } = await import("../inventory/load.ts");
  return loadInventory(await inventoryFile(file));
}

async function list(options: ListOptions): Promise<void> {
  const { select } = await import("../inventory/select.ts");
  const { readEnrolment } = await import("../inventory/enrolment.ts");
  const inventory = await open(options.inventory);
  const enrolment = await readEnrolment(inventory);
  const nodes = select(inventory, options.limit ?? "all");
  await print(options.output, {
    names: nodes.map(({ name }) => name),
    data: nodes.map((node) => summary(inventory, enrolment, node)),
    rows: [
      ["NAME", "ROLES", "ADDRESS", "CLUSTER", "GROUPS", "ENROLLED", "PROTECTED"],
      ...nodes.map((node) => {
        const { roles, groups, enrolled, protected: kept } = summary(inventory, enrolment, node);
        return [
          node.name,
          roles.join(",") || "-",
          address(node),
          node.cluster ?? "-",
          groups.join(",") || "-",
          enrolled === undefined ? "no" : "yes",
          kept ? "yes" : "no",
        ];
      }),
    ],
  });
}

async function show(name: string, options: ListOptions): Promise<void> {
  const { select } = await import("../inventory/select.ts");
  const { readEnrolment } = await import("../inventory/enrolment.ts");
  const { resolveSsh } = await import("../transport/ssh-config.ts");
  const inventory = await open(options.inventory);
  const enrolment = await readEnrolment(inventory);
  const nodes = select(inventory, name);
  const data = await Promise.all(
    nodes.map(async (node) => ({
      ...summary(inventory, enrolment, node),
      ...(node.command === undefined ? { ssh: await resolveSsh(node) } : {}),
    })),
  );
  await print(options.output, {
    names: nodes.map((node) => node.name),
    data: data.length === 1 ? data[0] : data,
    rows: data.flatMap((each) => flattened("", each)),
  });
}

async function enrolNodes(options: EnrolFlags): Promise<void> {
  const { select } = await import("../inventory/select.ts");
  const { enrol } = await import("./enrol.ts");
  const inventory = await open(options.inventory);
  const replaced = options.replace === undefined ? [] : select(inventory, options.replace);
  const limited = options.limit === undefined ? undefined : select(inventory, options.limit);
  // `--replace cp1` alone speaks of cp1 only.
  const nodes = [...(limited ?? (replaced.length > 0 ? [] : inventory.nodes)), ...replaced];
  const replace = replaced.map(({ name }) => name);
  const enrolment = await enrol(inventory, [...new Set(nodes)], { yes: options.yes === true, replace });
  const enrolled = inventory.nodes.filter(({ name }) => Object.hasOwn(enrolment.nodes, name));
  process.stdout.write(
    `${enrolled.length} of ${inventory.nodes.length} nodes of "${inventory.name}" are enrolled\n`,
  );
}

function summary(inventory: Inventory, enrolment: Enrolment, node: InventoryNode) {
  const groups = Object.entries(inventory.groups).filter(([, names]) => names.includes(node.name));
  return {
    ...node,
    protected: node.protected || inventory.protected,
    groups: groups.map(([name]) => name),
    enrolled: Object.hasOwn(enrolment.nodes, node.name) ? enrolment.nodes[node.name] : undefined,
  };
}

function address(node: InventoryNode): string {
  if (node.command !== undefined) return node.command;
  const user = node.user === undefined ? "" : `${node.user}@`;
  const port = node.port === undefined ? "" : `:${node.port}`;
  return `${user}${node.host ?? node.name}${port}`;
}

interface Printed {
  readonly names: readonly string[];
  readonly data: unknown;
  readonly rows: readonly (readonly string[])[];
}

async function print(output: Output, { names, data, rows }: Printed): Promise<void> {
  process.stdout.write(await rendered(output, names, data, rows));
}

async function rendered(
  output: Output,
  names: readonly string[],
  data: unknown,
  rows: readonly (readonly string[])[],
): Promise<string> {
  if (output === "name") return names.map((name) => `${name}\n`).join("");
  if (output === "json") return `${JSON.stringify(data, undefined, 2)}\n`;
  if (output === "yaml") return (await import("yaml")).stringify(data);
  return (await import("../render/columns.ts")).columns(rows);
}

/** One row per value, nested ones by `outer.inner`. */
function flattened(prefix: string, value: unknown): readonly (readonly string[])[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return [[prefix, value.join(", ") || "-"]];
  if (typeof value !== "object" || value === null) return [[prefix, String(value)]];
  return Object.entries(value).flatMap(([key, item]) =>
    flattened(prefix === "" ? key : `${prefix}.${key}`, item),
  );
}
