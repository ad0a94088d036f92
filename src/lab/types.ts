import type { Role } from "../inventory/types.ts";
import type { LabNode, NodeCount } from "./nodes.ts";

/** Tells a person, on one line, what is going on. */
export type Progress = (line: string) => void;

/** The kinds of practice node: `namespace` shares the kernel of this host, `vm` has one of its own. */
export const providerNames = ["namespace", "vm"] as const;
export type ProviderName = (typeof providerNames)[number];

/** What a lab with a real Kubernetes has beside its nodes. */
export interface LabKubernetes {
  /** Of Kubernetes, such as `v1.37.1`. */
  readonly version: string;
  /** Absolute path of the folder with its programs, which every node has on top of the base image. */
  readonly programs: string;
  /** Absolute path of the folder with the saved cluster that its nodes go on from. Absent: they begin with nothing. */
  readonly saved?: string;
}

/** What a lab is made of; kept in `lab.json` of its folder, and written before anything of it exists. */
export interface Lab {
  readonly name: string;
  /** Absolute path of the folder that holds all of the lab. */
  readonly folder: string;
  readonly count: NodeCount;
  /** What kind each node is of. */
  readonly providers: Readonly<Record<string, ProviderName>>;
  /** Absent: its nodes only look like those of a Kubernetes. */
  readonly kubernetes?: LabKubernetes;
  /** Ports of 127.0.0.1, by what they lead to: a node's name is its ssh server; see {@link Doorway} for others. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Something of the lab that a port of 127.0.0.1 leads to. */
export interface Doorway {
  /** Its key in the lab's `ports`. */
  readonly name: string;
  /** The address and the port in the lab's own network. */
  readonly target: string;
}

export interface NodeStatus {
  readonly name: string;
  readonly role: Role;
  readonly provider: ProviderName | "kind";
  /** Its address in the lab's own network. */
  readonly address: string;
  /** The port of 127.0.0.1 that leads to its ssh server; absent where it has none, as kind's containers. */
  readonly sshPort?: number;
  readonly state: "running" | "stopped";
  /** Seconds since it was started; absent when it is stopped. */
  readonly uptime?: number;
}

export interface KubernetesStatus {
  /** Such as `v1.37.1`. */
  readonly version: string;
  /** Path of a kubeconfig with the rights of `kubernetes-admin`, for this host. */
  readonly kubeconfig: string;
  /** Where the page of the cluster's workload is seen on this host. */
  readonly page: string;
}

export interface LabStatus {
  readonly name: string;
  /** `partial`: some nodes are stopped. `absent`: there is no such lab. */
  readonly state: "running" | "partial" | "stopped" | "absent";
  /** Path of the inventory that describes the lab; absent with the lab. */
  readonly inventory?: string;
  /** Absent when there is no real Kubernetes in the lab. */
  readonly kubernetes?: KubernetesStatus;
  /** Path of the kubeconfig of a lab of kind's. */
  readonly kubeconfig?: string;
  readonly nodes: readonly NodeStatus[];
}

/** One kind of practice node. The network between the nodes is there before any of them is started. */
export interface Provider {
  /** Makes what all nodes have in common and cannot be made when one starts, such as the base image. */
  prepare(lab: Lab, progress: Progress): Promise<void>;
  /** Starts a node that does not run, on the disk that it has, or else on a new one. Nothing happens when it runs. */
  start(lab: Lab, node: LabNode): Promise<void>;
  /** Ends a node at once, as a power cut does. Its disk stays. */
  cut(lab: Lab, node: LabNode): Promise<void>;
  /** Since when the node runs, or `undefined`. */
  runningSince(lab: Lab, node: LabNode): Date | undefined;
  /**
   * A root shell on this terminal, or a command, by a way that needs neither the node's network nor its ssh server.
   * Gives the exit code. @throws PreconditionError when the node does not run.
   */
  rescue(lab: Lab, node: LabNode, command: string | undefined): Promise<number>;
}
