import { ConfigError, PreconditionError } from "../errors.ts";
import { parseYaml } from "../yaml.ts";
import { inventoryOf } from "./load.ts";
import type { Role } from "./types.ts";

/** An inventory file as somebody would write it; what is `undefined` is left out. */
export interface InventoryFile {
  readonly name: string;
  readonly defaults?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly nodes: Readonly<Record<string, InventoryFileNode>>;
  readonly clusters?: Readonly<
    Record<string, { readonly kubeconfig?: string | undefined; readonly nodes: readonly string[] }>
  >;
}

export interface InventoryFileNode {
  readonly host?: string | undefined;
  readonly roles: readonly Role[];
  readonly zone?: string | undefined;
  readonly address?: string | undefined;
}

/**
 * The text of an inventory file.
 * @param comment A line above it.
 * @throws PreconditionError when it would not be valid, such as for a node called `all`.
 */
export async function inventoryText(comment: string, inventory: InventoryFile): Promise<string> {
  const { stringify } = await import("yaml");
  // Rid of what is undefined.
  const plain: unknown = JSON.parse(JSON.stringify(inventory));
  const text = `# ${comment}\n${stringify(plain, { collectionStyle: "any" })}`;
  try {
    await inventoryOf(await parseYaml("inventory.yaml", text));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = error.problems.map(({ message }) => message);
    throw new PreconditionError(`no valid inventory can be made of it: ${problems.join("; ")}`, {
      hint: "write the inventory by hand; inventory/kubeadm.yaml is an example",
    });
  }
  return text;
}

/** A name that an inventory may hold, as much like this one as can be; such as for `arn:aws:eks:…`. */
export function inventoryName(text: string): string {
  return (
    text
      .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, 100) || "cluster"
  );
}
