import { loadCatalogue } from "../../src/catalogue/catalogue.ts";
import { examine } from "../../src/engine/examine.ts";
import { readEnrolment } from "../../src/inventory/enrolment.ts";
import { loadInventory } from "../../src/inventory/load.ts";
import { connect } from "../../src/transport/connect.ts";
import type { TestLab } from "../support/lab.ts";

/** The ids of the breaks that can be made on the first node of a lab. */
export async function possibleBreaks({
  inventory: file,
  nodes: [first],
}: TestLab): Promise<readonly string[]> {
  const { breaks } = await loadCatalogue();
  const inventory = await loadInventory(file);
  const one = { ...inventory, nodes: inventory.nodes.filter(({ name }) => name === first?.name) };
  const [report] = await examine(one, await readEnrolment(inventory), breaks, {
    dataFolder: "",
    connect,
    emit: () => {},
    logger: { info: () => {}, warn: () => {} },
    signal: new AbortController().signal,
    forks: 1,
  });
  return (report?.breaks ?? []).flatMap(({ id, reason }) => (reason === undefined ? [id] : []));
}
