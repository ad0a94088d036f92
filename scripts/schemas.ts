import { loadCatalogue } from "../src/catalogue/catalogue.ts";
import { inventorySchema } from "../src/inventory/schema.ts";
import { kinds } from "../src/operations/index.ts";
import { playbookSchema } from "../src/playbook/schema.ts";

/** The JSON Schemas that editors read, by their path in the project. */
export async function schemas(): Promise<ReadonlyMap<string, string>> {
  const { breaks } = await loadCatalogue();
  return new Map([
    ["inventory/inventory.schema.json", text(inventorySchema)],
    ["playbooks/playbook.schema.json", text(playbookSchema({ breaks, operations: kinds }))],
  ]);
}

function text(schema: unknown): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
