import { didYouMean, entriesOf, type Finding, isRecord, itemsOf } from "../schema.ts";
import { globbed, implicitGroups, isGlob } from "./select.ts";

/**
 * What a schema cannot say of an inventory: names that clash, and names of nodes and clusters that are not there.
 * Takes the file's value whatever its shape, so that these mistakes are reported together with those of the schema.
 */
export function inventoryFindings(value: unknown): readonly Finding[] {
  if (!isRecord(value)) return [];
  const nodes = entriesOf(value.nodes).map(([name]) => name);
  const clusters = entriesOf(value.clusters);
  const groups = entriesOf(value.groups);
  return [
    ...clashes(nodes, clusters, groups),
    ...groups.flatMap(([name, items]) => unknownMembers(["groups", name], items, nodes, groups)),
    ...groups.flatMap(([name]) => cycle(name, groups)),
    ...clusters.flatMap(([name, cluster]) =>
      isRecord(cluster) ? unknownMembers(["clusters", name, "nodes"], cluster.nodes, nodes, []) : [],
    ),
    ...membership(entriesOf(value.nodes), clusters),
  ];
}

type Entries = readonly (readonly [string, unknown])[];

function clashes(nodes: readonly string[], clusters: Entries, groups: Entries): readonly Finding[] {
  const taken = new Map(implicitGroups.map((name) => [name, "selects nodes in every inventory"]));
  const named = [
    ...nodes.map((name) => ({ name, section: "nodes", kind: "a node" })),
    ...clusters.map(([name]) => ({ name, section: "clusters", kind: "a cluster" })),
    ...groups.map(([name]) => ({ name, section: "groups", kind: "a group" })),
  ];
  return named.flatMap(({ name, section, kind }): readonly Finding[] => {
    const other = taken.get(name);
    if (other === undefined) taken.set(name, `is the name of ${kind} already`);
    return other === undefined ? [] : [{ path: [section, name], at: "key", message: `\`${name}\` ${other}` }];
  });
}

function unknownMembers(
  path: readonly string[],
  items: unknown,
  nodes: readonly string[],
  groups: Entries,
): readonly Finding[] {
  const names = [...nodes, ...groups.map(([name]) => name)];
  const what = groups.length > 0 ? "node or group" : "node";
  return itemsOf(items).flatMap((item, index): readonly Finding[] => {
    if (typeof item !== "string" || names.includes(item)) return [];
    if (!isGlob(item)) {
      return [
        {
          path: [...path, index],
          at: "value",
          message: `unknown ${what} \`${item}\`${didYouMean(item, names)}`,
        },
      ];
    }
    if (globbed(item, nodes).length > 0) return [];
    return [{ path: [...path, index], at: "value", message: `\`${item}\` matches no node` }];
  });
}

function cycle(name: string, groups: Entries): readonly Finding[] {
  const members = new Map(groups.map(([group, items]) => [group, itemsOf(items).map(String)]));
  const reached = new Set<string>();
  const waiting = [...(members.get(name) ?? [])];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    waiting.push(...(members.get(next) ?? []));
  }
  if (!reached.has(name)) return [];
  return [{ path: ["groups", name], at: "key", message: `the group \`${name}\` contains itself` }];
}

/** A node belongs to one cluster, whether the node or the cluster says so. */
function membership(nodes: Entries, clusters: Entries): readonly Finding[] {
  const names = nodes.map(([name]) => name);
  const owner = new Map<string, string>();
  const listed = clusters.flatMap(([cluster, value]) => {
    const items = isRecord(value) ? itemsOf(value.nodes) : [];
    return items.flatMap((item, index): readonly Finding[] =>
      membersOf(item, names).flatMap((node): readonly Finding[] => {
        const other = owner.get(node);
        if (other === undefined) owner.set(node, cluster);
        if (other === undefined || other === cluster) return [];
        const message = `\`${node}\` is in the cluster \`${other}\` already`;
        return [{ path: ["clusters", cluster, "nodes", index], at: "value", message }];
      }),
    );
  });
  const declared = nodes.flatMap(([name, node]): readonly Finding[] => {
    const cluster = isRecord(node) ? node.cluster : undefined;
    if (typeof cluster !== "string") return [];
    const path = ["nodes", name, "cluster"];
    const known = clusters.map(([each]) => each);
    if (!known.includes(cluster)) {
      return [{ path, at: "value", message: `unknown cluster \`${cluster}\`${didYouMean(cluster, known)}` }];
    }
    const other = owner.get(name);
    if (other === undefined || other === cluster) return [];
    return [{ path, at: "value", message: `\`${name}\` is in the cluster \`${other}\` already` }];
  });
  return [...listed, ...declared];
}

function membersOf(item: unknown, nodes: readonly string[]): readonly string[] {
  if (typeof item !== "string") return [];
  return isGlob(item) ? globbed(item, nodes) : [item];
}
