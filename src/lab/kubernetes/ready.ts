import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError, messageOf } from "../../errors.ts";
import type { LabNode } from "../nodes.ts";
import { nodesOf } from "../nodes.ts";
import type { Lab, Progress } from "../types.ts";
import { onNode } from "./on-node.ts";
import { kubernetesProvider } from "./provider.ts";

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastHeartbeatTime?: string;
}

/** As much of a Node or a Pod as is asked about here. */
export interface ClusterObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly {
      readonly state: { readonly running?: { readonly startedAt: string } };
    }[];
  };
}

const isReady = ({ status }: ClusterObject) =>
  status.conditions?.find(({ type, status }) => type === "Ready" && status === "True");

// Kubernetes tells times in whole seconds.
const isSince = (time: string | undefined, since: Date | undefined) =>
  since !== undefined && time !== undefined && Date.parse(time) >= since.getTime() - 1000;

/**
 * The names of nodes that are not Ready, and of pods that are not. What the cluster said of them before their node was
 * started is not counted: the saved cluster, too, had all of them Ready.
 * @param since When each node was started.
 */
export function unready(
  objects: readonly ClusterObject[],
  since: Readonly<Record<string, Date | undefined>>,
): { readonly nodes: readonly string[]; readonly pods: readonly string[] } {
  const ready = new Set(
    objects
      .filter(({ kind }) => kind === "Node")
      .filter((node) => isSince(isReady(node)?.lastHeartbeatTime, since[node.metadata.name]))
      .map(({ metadata }) => metadata.name),
  );
  const runs = (pod: ClusterObject) =>
    isReady(pod) !== undefined &&
    (pod.status.containerStatuses ?? []).every(({ state }) =>
      isSince(state.running?.startedAt, since[pod.spec.nodeName ?? ""]),
    );
  return {
    nodes: Object.keys(since).filter((name) => !ready.has(name)),
    pods: objects
      .filter(({ kind, status }) => kind === "Pod" && status.phase !== "Succeeded")
      .filter((pod) => !runs(pod))
      .map(({ metadata }) => metadata.name),
  };
}

async function objectsOf(lab: Lab, node: LabNode): Promise<readonly ClusterObject[] | string> {
  const command = "kubectl get nodes,pods --all-namespaces --output json --request-timeout 5s";
  try {
    const { code, stdout, stderr } = await onNode(lab, node, command);
    if (code !== 0) return stderr.trim().split("\n").at(-1) ?? "";
    return (JSON.parse(stdout) as { readonly items: readonly ClusterObject[] }).items;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * Waits until all nodes of the cluster are Ready, and then all its pods.
 * @param limit Milliseconds.
 * @param hint What to type when they are not.
 * @throws KbreakError when the time is over, with what is not ready.
 */
export async function waitForCluster(
  lab: Lab,
  limit: number,
  progress: Progress,
  hint?: string,
): Promise<void> {
  const nodes = nodesOf(lab.count);
  const [first] = nodes;
  const begin = Date.now();
  const seconds = () => ((Date.now() - begin) / 1000).toFixed(1);
  let last = "";
  let nodesWere = false;
  while (first !== undefined && Date.now() - begin < limit) {
    const objects = await objectsOf(lab, first);
    if (typeof objects === "string") last = `its API does not answer: ${objects}`;
    else {
      const since = nodes.map((node) => [node.name, kubernetesProvider.runningSince(lab, node)] as const);
      const waiting = unready(objects, Object.fromEntries(since));
      if (waiting.nodes.length === 0 && !nodesWere) {
        nodesWere = true;
        progress(`cluster: all nodes Ready after ${seconds()} s`);
      }
      if (waiting.nodes.length + waiting.pods.length === 0) {
        progress(`cluster: all pods Ready after ${seconds()} s`);
        return;
      }
      last = `not Ready: ${[...waiting.nodes.map((name) => `node ${name}`), ...waiting.pods].join(", ")}`;
    }
    await sleep(300);
  }
  throw new KbreakError(
    `the cluster of lab ${lab.name} is not Ready after ${seconds()} s; ${last}`,
    hint === undefined ? {} : { hint },
  );
}
