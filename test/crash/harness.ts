import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isOpen, readRuns } from "../../src/engine/runs.ts";
import type { Difference, Fingerprint } from "../../src/fingerprint/types.ts";
import { changesSince, look } from "../support/bench.ts";
import type { TestLab, TestNode } from "../support/lab.ts";
import { type Ended, type Product, startNode } from "../support/product.ts";

/** One place in a break's application or undo at which kbreak is killed. */
export interface Point {
  readonly break: string;
  readonly verb: "apply" | "undo";
  readonly index: number;
  /** What it was called when it was counted. */
  readonly name: string;
}

export interface Tried {
  readonly point: Point;
  /** False: this time the work ended before it came to the point. */
  readonly killed: boolean;
  /** What speaks against the undo; empty when the node is as it was and no run is left open. */
  readonly complaints: readonly string[];
}

/** What was tried and what speaks against its undo, for a person. */
export const nameOf = ({ point, complaints }: Tried) =>
  [
    `${point.break}: ${point.verb} ${point.index}: ${point.name}`,
    ...complaints.map((line) => `    ${line}`),
  ].join("\n");

/** What is built into kbreak to prove that it would be found. */
export interface Defect {
  /** The undo log is written only after the change that it is for. */
  readonly logAfterActing?: boolean;
}

/** A node to crash on, with undo logs of its own. */
export interface Stand {
  readonly node: TestNode;
  /** What one break does from its application to the end of its undo. @throws when it does not work uncrashed. */
  count(breakId: string, defect?: Defect): Promise<readonly Point[]>;
  /** Kills kbreak there, lets a fresh one undo, and compares the node. */
  try(point: Point, defect?: Defect): Promise<Tried>;
  remove(): void;
}

interface DriverTask extends Defect {
  readonly break: string;
  readonly run?: string;
  readonly killAt?: number;
}

interface Passed {
  readonly run: string;
  readonly passed: readonly string[];
}

const driver = resolve("test/crash/driver.js");

const textOf = ({ section, key, kind, before = "", after = "" }: Difference) =>
  `${section}: ${key}: ${kind}: ${before} -> ${after}`;

export interface StandOptions {
  /** What befalls the node when kbreak has been killed, before a fresh one undoes. Default: nothing. */
  readonly disaster?: (node: TestNode) => Promise<void>;
}

export async function useStand(
  product: Product,
  lab: TestLab,
  node: TestNode,
  { disaster = async () => {} }: StandOptions = {},
): Promise<Stand> {
  const dataFolder = mkdtempSync(join(tmpdir(), "kbreak-crash-"));
  let sound: Fingerprint = await look(node);
  const drive = (task: DriverTask): Promise<Ended> =>
    startNode([
      driver,
      JSON.stringify({
        ...task,
        product: product.folder,
        dataFolder,
        inventory: lab.inventory,
        target: node.name,
      }),
    ]).ended;
  const whole = async (task: DriverTask): Promise<Passed> => {
    const { code, stdout, stderr } = await drive(task);
    if (code !== 0) throw new Error(`${task.break} on ${node.name} does not work uncrashed: ${stderr}`);
    return JSON.parse(stdout) as Passed;
  };
  /** A fresh process puts everything back. */
  const putBack = async (): Promise<readonly string[]> => {
    const { code, stderr } = await product.kbreak(dataFolder, "undo");
    const open = readRuns(dataFolder).runs.filter(isOpen);
    const left = await changesSince(node, sound);
    // What is left of one crash is not to be counted against the next one.
    if (left.length > 0) sound = await look(node);
    return [
      ...(code === 0 ? [] : [`kbreak undo ended with ${code}: ${stderr}`]),
      ...open.map(({ id, status }) => `run ${id} is still ${status}`),
      ...left.map(textOf),
    ];
  };
  return {
    node,
    async count(breakId, defect = {}) {
      const applied = await whole({ break: breakId, ...defect });
      const undone = await whole({ break: breakId, run: applied.run });
      const points = (verb: Point["verb"], names: readonly string[]) =>
        names.map((name, index) => ({ break: breakId, verb, index, name }));
      return [...points("apply", applied.passed), ...points("undo", undone.passed)];
    },
    async try(point, defect = {}) {
      const task = { break: point.break, ...defect };
      const ended =
        point.verb === "apply"
          ? await drive({ ...task, killAt: point.index })
          : await drive({ ...task, run: (await whole(task)).run, killAt: point.index });
      await disaster(node);
      const failed =
        ended.code === undefined || ended.code === 0 ? [] : [`it failed uncrashed: ${ended.stderr}`];
      return {
        point,
        killed: ended.signal === "SIGKILL",
        complaints: [...failed, ...(await putBack())],
      };
    },
    remove: () => rmSync(dataFolder, { recursive: true, force: true }),
  };
}
