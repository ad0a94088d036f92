import type { Role } from "../inventory/types.ts";
import type { LabNode, NodeCount } from "./nodes.ts";

/** Tells a person, on one line, what is going on. */
export type Progress = (line: string) => void;

/** What a lab is made of; kept in `lab.json` of its folder, and written before anything of it exists. */
export interface Lab {
  readonly name: string;
  /** Absolute path of the folder that holds all of the lab. */
  readonly folder: string;
  readonly provider: "namespace";
  readonly count: NodeCount;
  /** The port of 127.0.0.1 that leads to each node's ssh server. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface NodeStatus {
  readonly name: string;
  readonly role: Role;
  /** Its address in the lab's own network. */
  readonly address: string;
  /** The port of 127.0.0.1 that leads to its ssh server. */
  readonly sshPort: number;
  readonly state: "running" | "stopped";
  /** Seconds since it was started; absent when it is stopped. */
  readonly uptime?: number;
}

export interface LabStatus {
  readonly name: string;
  /** `partial`: some nodes are stopped. `absent`: there is no such lab. */
  readonly state: "running" | "partial" | "stopped" | "absent";
  /** Path of the inventory that describes the lab; absent with the lab. */
  readonly inventory?: string;
  readonly nodes: readonly NodeStatus[];
}

/** One kind of practice node. */
export interface Provider {
  /** Makes what all nodes have in common and cannot be made when one starts, such as the base image. */
  prepare(progress: Progress): Promise<void>;
  /** Makes what is missing of the lab's disks and network and starts the nodes that do not run. */
  up(lab: Lab): Promise<void>;
  /** Starts one node that does not run. Its disk is as it was left. */
  start(lab: Lab, node: LabNode): Promise<void>;
  /** Ends a node at once, as a power cut does. Its disk stays. */
  cut(lab: Lab, node: LabNode): Promise<void>;
  /** Ends and removes all that `up` made outside the lab's folder. Works on what is left of a half-made lab too. */
  down(name: string, folder: string): Promise<void>;
  /** Since when the node runs, or `undefined`. */
  runningSince(lab: Lab, node: LabNode): Date | undefined;
  /** True while it is the lab itself that listens on the node's port, which it does when the node is down too. */
  holdsPort(lab: Lab, node: LabNode): boolean;
  /** What a node that did not come up has said, for an error message. */
  console(lab: Lab, node: LabNode): string;
}
