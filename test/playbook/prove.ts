import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { errorOf } from "../../src/engine/apply.ts";
import { PreconditionError } from "../../src/errors.ts";
import type { Bench } from "../support/bench.ts";
import { playbookFile } from "./playbooks.ts";

/** Why a step may be left out, or a playbook refused, on a node: it is not the playbook's fault. */
const lacking =
  /the kernel has no (\w+ queueing discipline|io controller for control groups of version 2)|no C compiler is on the node|nothing in this cluster enforces NetworkPolicies/;

/** A shipped playbook. */
export const loadShipped = (bench: Bench, name: string) =>
  bench.playbook(readFileSync(playbookFile(name), "utf8"));

/**
 * Applies a shipped playbook, looks that all of its goal is not met, undoes it, and waits for the goal to be met.
 * @param patience Milliseconds that a goal may take to change.
 * @returns False where all that it breaks is lacking here; nothing was touched then.
 */
export async function provePlaybook(bench: Bench, name: string, patience: number): Promise<boolean> {
  const playbook = await loadShipped(bench, name);
  try {
    await bench.plan(playbook);
  } catch (error) {
    if (error instanceof PreconditionError && lacking.test(error.message)) return false;
    throw error;
  }
  const { plan, result } = await bench.attempt(playbook);
  expect(errorOf(plan, result)).toBeUndefined();
  const skipped = plan.targets.flatMap((target) => target.skipped);
  for (const { reason } of skipped) expect(reason).toMatch(lacking);

  const unmet = async () =>
    (await bench.status(result.run)).goals.filter(({ met }) => !met).map((goal) => goal.name);
  const waiting = { timeout: patience, interval: 1000 };
  expect(plan.goals.length).toBeGreaterThan(0);
  // Each part of the goal is there because something breaks it.
  if (skipped.length === 0) await expect.poll(unmet, waiting).toEqual(plan.goals.map((goal) => goal.name));
  else await expect.poll(unmet, waiting).not.toEqual([]);
  for (const { title, state, symptom } of (await bench.status(result.run)).steps)
    expect({ title, state, quiet: symptom === "quiet" }).toEqual({ title, state: "in effect", quiet: false });

  expect(await bench.undo(result.run)).toMatchObject({ complete: true, kept: 0 });
  await expect.poll(unmet, waiting).toEqual([]);
  return true;
}
