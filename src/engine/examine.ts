import type { Break, Parameters } from "../catalogue/break.ts";
import { ConnectError, KbreakError, messageOf } from "../errors.ts";
import { enrolledIdentity } from "../inventory/enrolment.ts";
import type { Enrolment, Inventory, InventoryNode } from "../inventory/types.ts";
import { withDefaults } from "../schema.ts";
import { type Context, sideBySide } from "./context.ts";
import { type Assigned, planStep, readFacts } from "./plan-step.ts";
import { openSession } from "./session.ts";

/** What a node of an inventory can be used for. */
export interface NodeReport {
  readonly node: string;
  readonly state: "ready" | "unreachable" | "refused";
  /** Why it is not ready, or what it is. */
  readonly detail: string;
  readonly hint?: string;
  /** `ID` of its /etc/os-release; empty when it was not reached. */
  readonly distribution: string;
  /** Each break with its default parameters; those for other roles are left out. */
  readonly breaks: readonly BreakReport[];
}

export interface BreakReport {
  readonly id: string;
  /** Why it cannot be made there; `undefined` when it can. */
  readonly reason: string | undefined;
}

/** Looks at the nodes of an inventory as a plan of every break would. Reads only; never throws for what a node is. */
export function examine(
  inventory: Inventory,
  enrolment: Enrolment,
  breaks: ReadonlyMap<string, Break>,
  context: Context,
): Promise<readonly NodeReport[]> {
  return sideBySide(inventory.nodes, context.forks, (node) =>
    examineNode(node, inventory, enrolment, breaks, context),
  );
}

async function examineNode(
  node: InventoryNode,
  inventory: Inventory,
  enrolment: Enrolment,
  breaks: ReadonlyMap<string, Break>,
  context: Context,
): Promise<NodeReport> {
  try {
    const session = await openSession(node, enrolledIdentity(inventory, enrolment, node.name), context);
    try {
      const steps = [...breaks.values()].map(stepOf);
      const facts = await readFacts(session, node, steps, inventory);
      const fitting = steps.filter(({ break: found }) => {
        const roles = found?.needs?.roles;
        return roles === undefined || roles.some((role) => facts.roles.includes(role));
      });
      const reports: BreakReport[] = [];
      for (const step of fitting) {
        const planned = await planStep(node, session, facts, step);
        reports.push({ id: step.step.name, reason: "reason" in planned ? planned.reason : undefined });
      }
      const { distribution, kernel, roles } = facts;
      const detail = `${roles.join(", ")}; ${distribution.name}; Linux ${kernel}`;
      return { node: node.name, state: "ready", detail, distribution: distribution.id, breaks: reports };
    } finally {
      await session.close();
    }
  } catch (error) {
    return {
      node: node.name,
      state: error instanceof ConnectError ? "unreachable" : "refused",
      detail: messageOf(error),
      ...(error instanceof KbreakError && error.hint !== undefined ? { hint: error.hint } : {}),
      distribution: "",
      breaks: [],
    };
  }
}

function stepOf(found: Break, index: number): Assigned {
  const params = withDefaults(found.parameters, {}) as Parameters;
  return {
    index,
    break: found,
    step: { name: found.id, targets: "all", optional: true, break: found.id, params },
  };
}
