import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

/** Writes those of them into the project's folder that are not there as they should be; gives their paths. */
export async function writeSchemas(project: string): Promise<readonly string[]> {
  const stale = [...(await schemas())].filter(([path, wanted]) => present(join(project, path)) !== wanted);
  for (const [path, wanted] of stale) writeFileSync(join(project, path), wanted);
  return stale.map(([path]) => path);
}

function text(schema: unknown): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

function present(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
