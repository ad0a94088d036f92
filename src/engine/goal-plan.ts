import { UsageError } from "../errors.ts";
import { enrolledIdentity } from "../inventory/enrolment.ts";
import { select } from "../inventory/select.ts";
import type { Enrolment, Inventory, InventoryNode } from "../inventory/types.ts";
import type { GoalProbe } from "../playbook/types.ts";
import { nodesNamed, withAddresses } from "../playbook/url.ts";
import { didYouMean } from "../schema.ts";
import { resolveSsh } from "../transport/ssh-config.ts";
import type { GoalRecord, Witness } from "./records.ts";

/**
 * A playbook's goals on the nodes where they are to be asked, with the addresses that their URLs name.
 * @throws UsageError for a node that the inventory does not have.
 */
export async function assignGoals(
  goals: readonly GoalProbe[],
  inventory: Inventory,
): Promise<readonly GoalRecord[]> {
  const named = goals.flatMap((goal) => ("http" in goal ? nodesNamed(goal.http) : []));
  const addresses = new Map<string, string>();
  for (const name of new Set(named)) addresses.set(name, await addressOf(nodeNamed(name, inventory)));
  return goals.flatMap((goal) => {
    const { name, contains, deadline } = goal;
    const common = { name, deadline, ...(contains === undefined ? {} : { contains }) };
    const question = questionOf(goal, addresses);
    const nodes = nodesFor(goal, inventory);
    if (nodes === undefined) return [{ ...common, ...question }];
    return nodes.map((node) => ({ ...common, ...question, target: node.name }));
  });
}

/**
 * The nodes that goals are asked on and nothing else is done to.
 * @throws EnrolmentError for one that is not enrolled: nothing is run on a stranger.
 */
export function witnessesOf(
  goals: readonly GoalRecord[],
  targets: readonly InventoryNode[],
  inventory: Inventory,
  enrolment: Enrolment,
): readonly Witness[] {
  const asked = new Set(goals.map(({ target }) => target));
  return inventory.nodes
    .filter((node) => asked.has(node.name) && !targets.includes(node))
    .map((node) => ({
      name: node.name,
      access: node,
      identity: enrolledIdentity(inventory, enrolment, node.name),
    }));
}

function questionOf(goal: GoalProbe, addresses: ReadonlyMap<string, string>) {
  if ("run" in goal) return { run: goal.run };
  if ("kubectl" in goal) return { kubectl: goal.kubectl };
  return { http: withAddresses(goal.http, (name) => addresses.get(name) ?? name), status: goal.status };
}

/** `undefined`: not on a node. @throws UsageError */
function nodesFor(goal: GoalProbe, inventory: Inventory): readonly InventoryNode[] | undefined {
  if (goal.on !== undefined) return select(inventory, goal.on);
  if ("http" in goal) return undefined;
  const first = inventory.nodes.find(({ roles }) => roles.includes("control-plane"));
  if (first !== undefined) return [first];
  throw new UsageError(
    `the goal "${goal.name}" asks kubectl on a control plane node, and ${inventory.file} says of no node that it is one`,
    { hint: "say it with `roles: [control-plane]` in the inventory, or `on:` in the playbook" },
  );
}

function nodeNamed(name: string, inventory: Inventory): InventoryNode {
  const node = inventory.nodes.find((one) => one.name === name);
  if (node !== undefined) return node;
  const names = inventory.nodes.map((one) => one.name);
  throw new UsageError(
    `a goal's URL names the node {${name}}, which ${inventory.file} does not have${didYouMean(name, names)}`,
    { hint: `\`kbreak inventory list -i ${inventory.file}\` shows its nodes` },
  );
}

async function addressOf(node: InventoryNode): Promise<string> {
  if (node.address !== undefined) return node.address;
  return node.command === undefined ? (await resolveSsh(node)).host : (node.host ?? node.name);
}
