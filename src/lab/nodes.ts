import { UsageError } from "../errors.ts";
import type { Role } from "../inventory/types.ts";

/** How many nodes of each role a lab has. */
export interface NodeCount {
  readonly controlPlanes: number;
  readonly workers: number;
}

/** A node of a lab, before it exists. */
export interface LabNode {
  /** `cp1`, `cp2` …, `w1`, `w2` … */
  readonly name: string;
  readonly role: Role;
  /** Its address in the lab's own network. */
  readonly address: string;
}

/** The network of every lab. It lives in a network namespace, so that all labs can have the same. */
export const gateway = "10.77.0.1";
export const prefixLength = 24;

const mostControlPlanes = 9;
const mostWorkers = 100;

/**
 * Reads the value of `--nodes`: `3` is one control plane and two workers, `2+3` two control planes and three workers.
 * @throws UsageError for anything else.
 */
export function parseNodeCount(text: string): NodeCount {
  const match = /^(\d{1,3})(?:\+(\d{1,3}))?$/.exec(text);
  const first = Number(match?.[1]);
  const count =
    match?.[2] === undefined
      ? { controlPlanes: 1, workers: first - 1 }
      : { controlPlanes: first, workers: Number(match[2]) };
  if (match === null || count.controlPlanes < 1 || count.workers < 0) {
    throw new UsageError(`--nodes ${text}: a number of nodes is wanted, at least 1`, {
      hint: "kbreak lab up --nodes 3     (1 control plane, 2 workers), or --nodes 2+3",
    });
  }
  if (count.controlPlanes > mostControlPlanes || count.workers > mostWorkers) {
    throw new UsageError(
      `--nodes ${text}: a lab has at most ${mostControlPlanes} control planes and ${mostWorkers} workers`,
    );
  }
  return count;
}

/** `2+3`, as `--nodes` takes it. */
export function formatNodeCount(count: NodeCount): string {
  return `${count.controlPlanes}+${count.workers}`;
}

/** The nodes of a lab of this size. A node's name decides its address, so that a lab that grows changes no node. */
export function nodesOf(count: NodeCount): readonly LabNode[] {
  const numbers = (amount: number) => Array.from({ length: amount }, (_, index) => index + 1);
  return [
    ...numbers(count.controlPlanes).map(
      (n): LabNode => ({ name: `cp${n}`, role: "control-plane", address: `10.77.0.${10 + n}` }),
    ),
    ...numbers(count.workers).map(
      (n): LabNode => ({ name: `w${n}`, role: "worker", address: `10.77.0.${100 + n}` }),
    ),
  ];
}
