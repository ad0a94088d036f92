import { UsageError } from "../errors.ts";

/**
 * The inventory file that a command works with: `-i`, else `KBREAK_INVENTORY`, else that of the practice nodes.
 * @throws UsageError when there is none.
 */
export async function inventoryFile(option: string | undefined): Promise<string> {
  const named = option ?? process.env.KBREAK_INVENTORY;
  if (named !== undefined && named !== "") return named;
  const { defaultInventory } = await import("../lab/inventory.ts");
  const file = defaultInventory();
  if (file !== undefined) return file;
  throw new UsageError("there is no inventory: none is named, and there are no practice nodes", {
    hint: "`kbreak lab up` makes practice nodes; your own lab is named by -i FILE or KBREAK_INVENTORY",
  });
}
