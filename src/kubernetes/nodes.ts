import type { V1Node } from "@kubernetes/client-node";
import type { Client } from "./client.ts";

/** A node as its cluster knows it. */
export interface ClusterNode {
  readonly name: string;
  readonly role: "control-plane" | "worker";
  /** Its InternalIP; `undefined` when it has none. */
  readonly address: string | undefined;
  readonly zone: string | undefined;
}

/** All nodes of a cluster, sorted by name. @throws what {@link Client.ask} throws. */
export async function listNodes(client: Client): Promise<readonly ClusterNode[]> {
  const { items } = await client.ask("list nodes", (core) => core.listNode());
  return items.map(nodeOf).toSorted((one, other) => one.name.localeCompare(other.name));
}

/** kubeadm's labels; the second is that of releases before 1.24. */
const controlPlane = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

function nodeOf({ metadata, status }: V1Node): ClusterNode {
  const labels = metadata?.labels ?? {};
  return {
    name: metadata?.name ?? "",
    role: controlPlane.some((label) => Object.hasOwn(labels, label)) ? "control-plane" : "worker",
    address: status?.addresses?.find(({ type }) => type === "InternalIP")?.address,
    zone: labels["topology.kubernetes.io/zone"],
  };
}
