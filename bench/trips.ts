import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { apply, errorOf } from "../src/engine/apply.ts";
import type { Context } from "../src/engine/context.ts";
import { plan } from "../src/engine/plan.ts";
import { undoRun } from "../src/engine/undo-run.ts";
import { readEnrolment } from "../src/inventory/enrolment.ts";
import { loadInventory } from "../src/inventory/load.ts";
import { kinds } from "../src/operations/index.ts";
import { loadPlaybook } from "../src/playbook/load.ts";
import type { Playbook } from "../src/playbook/types.ts";
import { connect } from "../src/transport/connect.ts";
import { observed } from "../src/transport/observed.ts";
import type { BenchLab } from "./lab.ts";
import type { Trips } from "./results.ts";

/** A playbook of one step with so many files. */
function playbook(operations: number, folder: string): Promise<Playbook> {
  const file = join(folder, "trips.yaml");
  const one = (index: number) => `      - { kind: file, path: /var/tmp/trip-${index}, content: x }`;
  const all = Array.from({ length: operations }, (_, index) => one(index));
  writeFileSync(
    file,
    ["name: trips", "steps:", "  - targets: cp1", "    operations:", ...all, ""].join("\n"),
  );
  return loadPlaybook(file, { breaks: new Map(), operations: kinds });
}

/** What goes to a node, by the number of operations of a step: counted at the connection. */
export async function countTrips(lab: BenchLab, folder: string): Promise<readonly Trips[]> {
  const inventory = await loadInventory(lab.inventory);
  const enrolment = await readEnrolment(inventory);
  const counted: Trips[] = [];
  for (const operations of [1, 10, 50]) {
    const scripts: string[] = [];
    const context: Context = {
      dataFolder: lab.dataFolder,
      connect: async (node, options) =>
        observed(await connect(node, options), ({ script }) => void scripts.push(script)),
      emit: () => {},
      logger: { info: () => {}, warn: () => {} },
      signal: new AbortController().signal,
      forks: 1,
    };
    const planned = await plan(
      { playbook: await playbook(operations, folder), inventory, enrolment, breaks: new Map() },
      context,
    );
    const result = await apply(planned, { verify: true, keep: false }, context);
    await Promise.all(planned.targets.map(({ session }) => session.close()));
    const error = errorOf(planned, result);
    if (error !== undefined) throw error;
    const forApply = scripts.splice(0);
    await undoRun(
      result.run,
      {
        exact: false,
        access:
          async () =>
          ({ access }) =>
            access,
      },
      context,
    );
    const step = forApply.filter((script) => /^(swap|look) \d+/m.test(script)).length;
    counted.push({ operations, step, apply: forApply.length, undo: scripts.length });
  }
  return counted;
}
