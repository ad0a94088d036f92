import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { validator } from "../schema.ts";
import { accept, readYaml, type YamlDocument } from "../yaml.ts";
import { inventoryFindings } from "./check.ts";
import { inventorySchema } from "./schema.ts";
import { globbed, isGlob } from "./select.ts";
import type { Inventory, InventoryCluster, InventoryNode, Role } from "./types.ts";

interface RawAccess {
  readonly port?: number;
  readonly user?: string;
  readonly key?: string;
  readonly become?: boolean;
  readonly command?: string;
  readonly vars?: InventoryNode["vars"];
}

interface RawNode extends RawAccess {
  readonly host?: string;
  readonly roles?: readonly Role[];
  readonly cluster?: string;
  readonly zone?: string;
  readonly address?: string;
  readonly protected?: boolean;
}

interface RawInventory {
  readonly name: string;
  readonly defaults?: RawAccess;
  readonly nodes: Readonly<Record<string, RawNode | null>>;
  readonly clusters?: Readonly<
    Record<string, { readonly kubeconfig?: string; readonly nodes?: readonly string[] }>
  >;
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly keep?: { readonly ports?: readonly number[]; readonly units?: readonly string[] };
  readonly protected?: boolean;
  readonly max_targets?: number;
}

/**
 * Reads and checks an inventory file; fills its defaults in. Paths in it are relative to its folder, `~` is the home.
 * @throws ConfigError with all mistakes of the file.
 */
export async function loadInventory(file: string): Promise<Inventory> {
  return inventoryOf(await readYaml(file));
}

/** The same for a file that was read already. @throws ConfigError with all its mistakes. */
export async function inventoryOf(document: YamlDocument): Promise<Inventory> {
  const validate = await validator();
  const findings = [...validate(inventorySchema, document.value), ...inventoryFindings(document.value)];
  return filled(resolve(document.file), accept<RawInventory>(document, findings));
}

function filled(file: string, raw: RawInventory): Inventory {
  const folder = dirname(file);
  const names = Object.keys(raw.nodes);
  const clusters = Object.entries(raw.clusters ?? {}).map(([name, cluster]): InventoryCluster => {
    const listed = expanded(cluster.nodes ?? [], names, new Map());
    const nodes = names.filter((node) => listed.has(node) || raw.nodes[node]?.cluster === name);
    const kubeconfig =
      cluster.kubeconfig === undefined ? {} : { kubeconfig: pathOf(folder, cluster.kubeconfig) };
    return { name, ...kubeconfig, nodes };
  });
  const groups = new Map(Object.entries(raw.groups ?? {}));
  return {
    file,
    name: raw.name,
    nodes: Object.entries(raw.nodes).map(([name, node]) => {
      const cluster = clusters.find(({ nodes }) => nodes.includes(name))?.name;
      return nodeOf(folder, name, raw.defaults ?? {}, {
        ...node,
        ...(cluster === undefined ? {} : { cluster }),
      });
    }),
    clusters,
    groups: Object.fromEntries(
      [...groups].map(([name, members]) => {
        const nodes = expanded(members, names, groups);
        return [name, names.filter((node) => nodes.has(node))];
      }),
    ),
    keep: { ports: raw.keep?.ports ?? [], units: raw.keep?.units ?? [] },
    protected: raw.protected ?? false,
    maxTargets: raw.max_targets,
  };
}

function nodeOf(folder: string, name: string, defaults: RawAccess, node: RawNode): InventoryNode {
  const { key, ...merged } = { ...defaults, ...node };
  return {
    ...merged,
    name,
    ...(key === undefined ? {} : { key: pathOf(folder, key) }),
    roles: node.roles ?? [],
    vars: { ...defaults.vars, ...node.vars },
    protected: node.protected ?? false,
  };
}

function pathOf(folder: string, path: string): string {
  const own = path === "~" || path.startsWith("~/");
  return own ? homedir() + path.slice(1) : resolve(folder, path);
}

/** All names that a list of nodes, groups and globs stands for, groups and globs included; each is looked at once. */
function expanded(
  members: readonly string[],
  nodes: readonly string[],
  groups: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const seen = new Set(members);
  for (const member of seen) {
    const more = isGlob(member) ? globbed(member, nodes) : (groups.get(member) ?? []);
    for (const each of more) seen.add(each);
  }
  return seen;
}
