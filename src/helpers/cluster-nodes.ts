import type { Facts } from "../facts.ts";

/** What a break asks for to know the nodes. */
export const NODES = "/api/v1/nodes";

/** A node as the API tells it. */
export interface ClusterNode {
  readonly name: string;
  /** As labels of volumes and pods call it. */
  readonly hostname: string;
  /** False: it has a taint that keeps usual pods away, or is cordoned. */
  readonly open: boolean;
  /** Allocatable CPU in thousandths. */
  readonly cpu: number;
  readonly images: readonly string[];
}

interface Answer {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
    readonly spec: {
      readonly unschedulable?: boolean;
      readonly taints?: readonly { readonly effect: string }[];
    };
    readonly status: {
      readonly allocatable?: { readonly cpu?: string };
      readonly images?: readonly { readonly names?: readonly string[] }[];
    };
  }[];
}

/** In thousandths: `2` are 2000, `250m` are 250. */
const millicores = (quantity: string): number =>
  quantity.endsWith("m") ? Number(quantity.slice(0, -1)) : Math.round(Number(quantity) * 1000);

/** The nodes of a cluster, when the break asks for {@link NODES}. */
export function nodesIn({ objects }: Facts): readonly ClusterNode[] {
  const { items = [] } = (objects[NODES] ?? {}) as Partial<Answer>;
  return items.map(({ metadata: { name, labels }, spec, status }) => ({
    name,
    hostname: labels?.["kubernetes.io/hostname"] ?? name,
    open: !spec.unschedulable && !spec.taints?.some(({ effect }) => effect !== "PreferNoSchedule"),
    cpu: millicores(status.allocatable?.cpu ?? "0"),
    images: status.images?.flatMap(({ names = [] }) => names) ?? [],
  }));
}

/** What a break asks for to know what the nodes' pods request. */
export const PODS = "/api/v1/pods";

interface Container {
  readonly resources?: { readonly requests?: { readonly cpu?: string } };
}

interface Pods {
  readonly items: readonly {
    readonly spec: {
      readonly nodeName?: string;
      readonly containers: readonly Container[];
      readonly initContainers?: readonly Container[];
    };
    readonly status: { readonly phase?: string };
  }[];
}

const requestOf = ({ resources }: Container) => millicores(resources?.requests?.cpu ?? "0");

/** CPU that the pods of a node request, in thousandths, when the break asks for {@link PODS}. */
export function requestedCpu({ name }: ClusterNode, { objects }: Facts): number {
  const { items = [] } = (objects[PODS] ?? {}) as Partial<Pods>;
  return items
    .filter(({ spec, status }) => spec.nodeName === name && !/^(Succeeded|Failed)$/.test(status.phase ?? ""))
    .map(({ spec: { containers, initContainers = [] } }) =>
      // Init containers run one after the other, before the others.
      Math.max(
        containers.map(requestOf).reduce((sum, one) => sum + one, 0),
        ...initContainers.map(requestOf),
      ),
    )
    .reduce((sum, one) => sum + one, 0);
}
