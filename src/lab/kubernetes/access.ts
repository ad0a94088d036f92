import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../file.ts";
import type { NodeCount } from "../nodes.ts";
import { nodesOf } from "../nodes.ts";
import type { Doorway, KubernetesStatus, Lab } from "../types.ts";
import { savedKubeconfig } from "./saved-cluster.ts";
import { pagePort } from "./workload.ts";

/** What of the cluster is reached through ports of this host: its API and the workload's page. */
export function clusterDoorways(count: NodeCount): readonly Doorway[] {
  const nodes = nodesOf(count);
  const [first] = nodes;
  const last = nodes.at(-1);
  if (first === undefined || last === undefined) return [];
  return [
    { name: "api", target: `${first.address}:6443` },
    // A worker, where there is one: it is there while the control plane is not.
    { name: "page", target: `${last.address}:${pagePort}` },
  ];
}

const kubeconfigOf = (lab: Lab): string => join(lab.folder, "kubeconfig");

/** Where the workload's page is seen on this host. */
export const pageOf = (lab: Lab): string => `http://127.0.0.1:${lab.ports.page}/`;

/** Writes the kubeconfig of `kubernetes-admin` for this host, unless it is there. */
export function writeKubeconfig(lab: Lab): void {
  const saved = lab.kubernetes?.saved;
  if (saved === undefined || existsSync(kubeconfigOf(lab))) return;
  const text = readFileSync(join(saved, savedKubeconfig), "utf8");
  const server = `server: https://127.0.0.1:${lab.ports.api}`;
  writeWhole(kubeconfigOf(lab), text.replace(/server: \S+/, server));
}

/** What a person is told of the lab's Kubernetes, if it has one. */
export function kubernetesStatus(lab: Lab): KubernetesStatus | undefined {
  if (lab.kubernetes === undefined) return undefined;
  return {
    version: lab.kubernetes.version,
    kubeconfig: kubeconfigOf(lab),
    page: pageOf(lab),
  };
}
