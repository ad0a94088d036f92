import { homedir } from "node:os";
import { resolve } from "node:path";
import { PreconditionError } from "../errors.ts";
import { clientOf } from "../kubernetes/client.ts";
import { loadKubeconfig } from "../kubernetes/kubeconfig.ts";
import { type ClusterNode, listNodes } from "../kubernetes/nodes.ts";
import { inventoryName, inventoryText } from "./write.ts";

export interface KubeadmWish {
  readonly kubeconfig: string;
  /** Default: the kubeconfig's current one. */
  readonly context?: string;
  /** The lab's name. Default: that of the cluster in the kubeconfig. */
  readonly name?: string;
  /** How ssh reaches the nodes; absent: as ~/.ssh/config says. */
  readonly user?: string;
  readonly port?: number;
  readonly identityFile?: string;
  readonly become?: boolean;
}

/**
 * The inventory of a cluster's nodes, as YAML: their names, roles, addresses and zones as its API tells them.
 * @throws ConfigError for a wrong kubeconfig, ConnectError and PreconditionError when the API does not tell.
 */
export async function importKubeadm(wish: KubeadmWish): Promise<string> {
  const config = await loadKubeconfig(wish.kubeconfig, wish.context);
  const nodes = await listNodes(await clientOf(config));
  if (nodes.length === 0)
    throw new PreconditionError(`${config.server} has no nodes yet`, {
      hint: "on each of them: kubeadm join …",
    });
  const name = inventoryName(config.cluster);
  const defaults = {
    user: wish.user,
    port: wish.port,
    key: wish.identityFile === undefined ? undefined : pathOf(wish.identityFile),
    become: wish.become,
  };
  return inventoryText("Made by kbreak inventory import kubeadm.", {
    name: wish.name ?? name,
    ...(Object.values(defaults).every((value) => value === undefined) ? {} : { defaults }),
    nodes: Object.fromEntries(nodes.map((node) => [node.name, nodeOf(node)])),
    clusters: { [name]: { kubeconfig: config.file, nodes: nodes.map((node) => node.name) } },
  });
}

const nodeOf = ({ address, role, zone }: ClusterNode) => ({ host: address, roles: [role], zone });

/** The file may be written anywhere, and paths in it are relative to its folder. */
function pathOf(path: string): string {
  return path === "~" || path.startsWith("~/") ? homedir() + path.slice(1) : resolve(path);
}
