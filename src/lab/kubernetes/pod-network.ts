import { bridge } from "../host/network.ts";
import { cniConfig } from "../kubeadm/kubelet.ts";
import type { LabNode } from "../nodes.ts";
import type { TreeEntry } from "../tree.ts";

// The cluster divides its network among the nodes in the order in which they come, which is theirs here.
const subnet = (index: number) => `10.244.${index}.0/24`;

/** What of the pods' network is on the disk of one of a cluster's nodes: its part, and the routes to the others'. */
export function podNetworkFiles(nodes: readonly LabNode[], node: LabNode): readonly TreeEntry[] {
  const own = nodes.findIndex(({ name }) => name === node.name);
  const routes = nodes
    .map(({ address }, index) => `route replace ${subnet(index)} via ${address}\n`)
    .filter((_, index) => index !== own);
  return [
    { path: "/etc/cni/net.d/10-lab.conflist", mode: 0o644, content: cniConfig(subnet(own), false) },
    { path: "/etc/pod-routes", mode: 0o644, content: routes.join("") },
  ];
}

/**
 * Where the network between the nodes forwards packets to. A pod that asks for a service that is not there yet is told
 * so: met with silence, CoreDNS would hang for half a minute at its start.
 */
export function fabricRoutes(nodes: readonly LabNode[]): readonly string[] {
  return [
    "unreachable default",
    // The bridge has no address yet that tells it that the nodes are its neighbours.
    ...nodes.map(({ address }, index) => `${subnet(index)} via ${address} dev ${bridge} onlink`),
  ];
}
