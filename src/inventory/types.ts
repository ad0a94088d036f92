import type { NodeAccess } from "../transport/transport.ts";

export type Role = "control-plane" | "worker";

/** A node of a lab. */
export interface InventoryNode extends NodeAccess {
  readonly roles: readonly Role[];
  /** Free values of the host's, shown by `inventory show`. */
  readonly vars: Readonly<Record<string, string | number | boolean>>;
  /** The cluster that it belongs to, by name. */
  readonly cluster?: string;
  readonly zone?: string;
  /** The address of its services, where `host` is not it: behind a jump host, a forwarded port, in a container. */
  readonly address?: string;
  /** True: kbreak never changes it. */
  readonly protected: boolean;
}

export interface InventoryCluster {
  readonly name: string;
  /** Path of a kubeconfig on this machine, relative to the inventory's folder. */
  readonly kubeconfig?: string;
  readonly nodes: readonly string[];
}

/** What must stay reachable or running whatever is broken. The ssh port of each node always is. */
export interface Keep {
  readonly ports: readonly number[];
  readonly units: readonly string[];
}

/** An inventory file, read and checked, with every default filled in. */
export interface Inventory {
  /** Absolute path of the file. */
  readonly file: string;
  /** The lab's name, which a person types to enrol it. */
  readonly name: string;
  readonly nodes: readonly InventoryNode[];
  readonly clusters: readonly InventoryCluster[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly keep: Keep;
  /** True: nothing of this inventory is ever changed. */
  readonly protected: boolean;
  /** The most nodes that one run may change. Default: all. */
  readonly maxTargets: number | undefined;
}

/** What makes a node the node that was enrolled. */
export interface Identity {
  /** `SHA256:<base64>` of its ssh host key; absent where the transport sees none. */
  readonly hostKey?: string;
  /** Contents of `/etc/machine-id`; empty only beside a container's id. */
  readonly machineId: string;
  /** The id of the container that it is. It alone decides then: kind makes a new machine-id at every start. */
  readonly containerId?: string;
  /**
   * SHA-256 of the certificates of its cluster's authorities, as far as the node has some. It is a node of another cluster
   * when it has others and none of these.
   */
  readonly authorities?: readonly string[];
  /**
   * The uid of its cluster's namespace kube-system, where the node is a control plane whose API server could be asked. It is
   * a node of another cluster when that has another one.
   */
  readonly clusterUid?: string;
}

/** The lock file beside an inventory: `<inventory>.lock`, JSON. */
export interface Enrolment {
  readonly version: 1;
  readonly lab: string;
  readonly nodes: Readonly<Record<string, Identity>>;
}
