import { type Command, InvalidArgumentError } from "commander";
import type { KubeadmWish } from "../inventory/import-kubeadm.ts";
import { print } from "./options.ts";

const examples = `
Examples:
  kbreak inventory import kubeadm --kubeconfig admin.conf --user ubuntu --become > lab.yaml
  kbreak inventory import kind > kind.yaml
  kbreak inventory enrol -i lab.yaml
`;

/** Adds `kbreak inventory import kubeadm|kind`. */
export function register(inventory: Command): void {
  const parent = inventory
    .command("import")
    .description("Make an inventory of a cluster that is there; prints it")
    .addHelpText("after", examples);
  parent
    .command("kubeadm")
    .description("The nodes of a cluster by its API, to be reached by ssh at their InternalIP")
    .requiredOption(
      "--kubeconfig <file>",
      "with a certificate or token; programs that it names are never run",
    )
    .option("--context <name>", "of the kubeconfig; default: its current one")
    .option("--name <name>", "the lab's name; default: the cluster's")
    .option("--user <name>", "the ssh user")
    .option("--port <number>", "the ssh port", portOf)
    .option("--identity-file <file>", "the private key for ssh")
    .option("--become", "become root by sudo")
    .addHelpText("after", examples)
    .action(kubeadm);
  parent
    .command("kind")
    .description("The nodes of a kind cluster, to be reached by docker exec")
    .argument("[name]", "the cluster's name", "kind")
    .option("--name <name>", "the lab's name; default: the cluster's")
    .addHelpText("after", "\nExamples:\n  kbreak inventory import kind > kind.yaml\n")
    .action(kind);
}

async function kubeadm(wish: KubeadmWish): Promise<void> {
  const { importKubeadm } = await import("../inventory/import-kubeadm.ts");
  print(await importKubeadm(wish));
}

async function kind(cluster: string, wish: { readonly name?: string }): Promise<void> {
  const { importKind } = await import("../inventory/import-kind.ts");
  print(await importKind(cluster, wish.name));
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("a port is a whole number from 1 to 65535.");
}
