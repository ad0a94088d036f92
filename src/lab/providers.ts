import { PreconditionError, UsageError } from "../errors.ts";
import type { LabNode, NodeCount } from "./nodes.ts";
import { nodesOf } from "./nodes.ts";
import type { Lab, ProviderName } from "./types.ts";
import { providerNames } from "./types.ts";

/** What `--provider` says: the kind of all nodes that are still to be made, or of those that it names. */
export interface ProviderWish {
  readonly provider: ProviderName;
  /** Nodes by name; absent: all that are still to be made. */
  readonly nodes?: readonly string[];
}

/**
 * Reads the value of `--provider`: `vm`, or `vm=w1,w2` for these nodes only.
 * @throws UsageError for anything else.
 */
export function parseProvider(text: string): ProviderWish {
  const [, name, list] = /^([a-z]+)(?:=(.*))?$/.exec(text) ?? [];
  const provider = providerNames.find((each) => each === name);
  const nodes = list?.split(",");
  if (provider !== undefined && nodes === undefined) return { provider };
  if (provider !== undefined && nodes?.every((node) => /^(cp|w)[1-9]\d*$/.test(node)))
    return { provider, nodes };
  throw new UsageError(`--provider ${text}: one of ${providerNames.join(", ")}, kind is wanted`, {
    hint: "--provider vm, or --provider vm=w1,w2 for these nodes only; kind is for all nodes of a lab",
  });
}

/** The same kind for every node of a lab of this size. */
export function everyNode(count: NodeCount, provider: ProviderName): Lab["providers"] {
  return Object.fromEntries(nodesOf(count).map(({ name }) => [name, provider]));
}

/** What a node is made as when nobody says: as all others are, and a namespace node where they differ. */
function customary(had: Lab["providers"]): ProviderName {
  const [first, ...others] = new Set(Object.values(had));
  return first !== undefined && others.length === 0 ? first : "namespace";
}

/**
 * The kind of each node of a lab. A node that is there keeps its kind.
 * @throws PreconditionError when that is not what was asked for, UsageError for nodes that the lab does not get.
 */
export function chooseProviders(
  nodes: readonly LabNode[],
  had: Lab["providers"],
  wish: ProviderWish | undefined,
): Lab["providers"] {
  const strangers = (wish?.nodes ?? []).filter((name) => !nodes.some((node) => node.name === name));
  if (strangers.length > 0) {
    throw new UsageError(
      `--provider ${wish?.provider}=${wish?.nodes}: the lab has no node ${strangers.join(", ")}; it has ${nodes.map(({ name }) => name).join(", ")}`,
    );
  }
  const fresh = ({ name }: LabNode): ProviderName => {
    if (wish === undefined || (wish.nodes !== undefined && !wish.nodes.includes(name))) return customary(had);
    return wish.provider;
  };
  const chosen = Object.fromEntries(nodes.map((node) => [node.name, had[node.name] ?? fresh(node)]));
  if (wish !== undefined) demandWish(chosen, wish);
  return chosen;
}

function demandWish(chosen: Lab["providers"], { provider, nodes }: ProviderWish): void {
  const others = (nodes ?? Object.keys(chosen)).filter((name) => chosen[name] !== provider);
  // Without names the wish is for new nodes; it was heard when there is any such node.
  const unheard = nodes === undefined ? others.length === Object.keys(chosen).length : others.length > 0;
  if (!unheard) return;
  throw new PreconditionError(
    `${others.map((name) => `${name} is a ${chosen[name]} node`).join(", ")}, and a node that is there keeps its kind`,
    { hint: "add nodes of the other kind with a larger --nodes, or begin anew: kbreak lab down" },
  );
}
