import type { Command } from "commander";
import type { Enrolment, Inventory, InventoryNode } from "../inventory/types.ts";
import { addressOf } from "./address.ts";
import { register as registerImport } from "./inventory-import.ts";
import { inventoryOption, outputOption, print } from "./options.ts";

const examples = `
Examples:
  kbreak inventory list                            the practice nodes
  kbreak inventory list -i lab.yaml --limit worker,!w3
  kbreak inventory show cp1 -i lab.yaml            how it is reached, and as what it is enrolled
  kbreak inventory enrol -i lab.yaml               say once that these nodes may be broken
  kbreak inventory enrol -i lab.yaml --replace w1  w1 was installed anew
  kbreak inventory import kubeadm --kubeconfig admin.conf > lab.yaml`;

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

/** Adds `kbreak inventory list|show|enrol|import`. */
export function register(program: Command): void {
  const inventory = program
    .command("inventory")
    .description("The nodes of a lab: what they are and how to reach them")
    .addHelpText("after", examples);
  const output = () => outputOption("table", "json", "yaml", "name");

  inventory
    .command("list")
    .description("List the nodes")
    .addOption(inventoryOption())
    .addOption(output())
    .option("--limit <selection>", "only these nodes, such as cp1 or worker,!w3")
    .addHelpText("after", "\nExamples:\n  kbreak inventory list -i lab.yaml --limit worker,!w3\n")
    .action(list);
  inventory
    .command("show <node>")
    .description("Show all that is known of a node, and how ssh will reach it")
    .addOption(inventoryOption())
    .addOption(output())
    .addHelpText("after", "\nExamples:\n  kbreak inventory show cp1 -i lab.yaml\n")
    .action(show);
  inventory
    .command("enrol")
    .alias("enroll")
    .description("Say once that these nodes are a lab, and may be broken")
    .addOption(inventoryOption())
    .option("--limit <selection>", "only these nodes")
    .option(
      "--replace <selection>",
      "take these nodes as what they are now, such as after a new installation",
    )
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak inventory enrol -i lab.yaml\n  kbreak inventory enrol -i lab.yaml --replace w1    w1 was installed anew\n",
    )
    .action(enrolNodes);
  registerImport(inventory);
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
  const text = await rendered(options.output, {
    names: nodes.map(({ name }) => name),
    data: nodes.map((node) => summary(inventory, enrolment, node)),
    rows: [
      ["NAME", "ROLES", "ADDRESS", "CLUSTER", "GROUPS", "ENROLLED", "PROTECTED"],
      ...nodes.map((node) => {
        const { roles, groups, enrolled, protected: kept } = summary(inventory, enrolment, node);
        return [
          node.name,
          roles.join(",") || "-",
          addressOf(node),
          node.cluster ?? "-",
          groups.join(",") || "-",
          enrolled === undefined ? "no" : "yes",
          kept ? "yes" : "no",
        ];
      }),
    ],
  });
  print(text);
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
  const text = await rendered(options.output, {
    names: nodes.map((node) => node.name),
    data: data.length === 1 ? data[0] : data,
    rows: data.flatMap((each) => flattened("", each)),
  });
  print(text);
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
  print(`${enrolled.length} of ${inventory.nodes.length} nodes of "${inventory.name}" are enrolled`);
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

interface Printed {
  readonly names: readonly string[];
  readonly data: unknown;
  readonly rows: readonly (readonly string[])[];
}

async function rendered(output: Output, { names, data, rows }: Printed): Promise<string> {
  if (output === "name") return names.map((name) => `${name}\n`).join("");
  if (output === "json") return JSON.stringify(data, undefined, 2);
  if (output === "yaml") return (await import("yaml")).stringify(data);
  return (await import("../render/columns.ts")).columns(rows.map((row) => row.map(oneLine)));
}

/** Without control characters, which a terminal would obey. */
function oneLine(cell: string): string {
  return cell.replace(/\p{Cc}+/gu, " ");
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
