import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isOpen, readRuns } from "../../src/engine/runs.ts";
import { messageOf } from "../../src/errors.ts";
import type { Difference, Fingerprint } from "../../src/fingerprint/types.ts";
import { changesSince, look } from "../support/bench.ts";
import type { TestLab, TestNode } from "../support/lab.ts";
import { type Ended, type Product, startNode } from "../support/product.ts";
import { wayTo } from "../support/way.ts";
import { type Disaster, type DisasterName, disasters } from "./disasters.ts";

/** One place in the application of a break or playbook, or in its undo. */
export interface Boundary {
  /** Id of a break, or path of a playbook. */
  readonly subject: string;
  readonly verb: "apply" | "undo";
  readonly index: number;
  /** What it was called when it was counted. */
  readonly name: string;
}

/** A boundary, and what happens there. */
export interface Point extends Boundary {
  readonly disaster: DisasterName;
}

export interface Tried {
  readonly point: Point;
  /** False: this time the work ended before it came to the point. */
  readonly reached: boolean;
  /** What speaks against the undo; empty when the node is as it was and no run is left open. */
  readonly complaints: readonly string[];
}

/** What was tried and what speaks against its undo, for a person. */
export const nameOf = ({ point, complaints }: Pick<Tried, "point" | "complaints">) =>
  [
    `${point.subject}: ${point.disaster} at ${point.verb} ${point.index}: ${point.name}`,
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
  /** What a subject does from its application to the end of its undo. @throws when it does not work undisturbed. */
  count(subject: string, defect?: Defect): Promise<readonly Boundary[]>;
  /** Lets the disaster happen there, lets a fresh kbreak undo, and compares the node. */
  try(point: Point, defect?: Defect): Promise<Tried>;
  end(): Promise<void>;
}

interface Task extends Defect {
  readonly subject: string;
  readonly run?: string;
  readonly at?: number;
  readonly dies?: boolean;
}

interface Passed {
  readonly run: string;
  readonly passed: readonly string[];
}

const driver = resolve("test/crash/driver.js");

const textOf = ({ section, key, kind, before = "", after = "" }: Difference) =>
  `${section}: ${key}: ${kind}: ${before} -> ${after}`;

/** A stack of Node's: kbreak's own errors have none. */
const isDefect = ({ stderr }: Ended) => /^ {4}at /m.test(stderr);

/** How a stand knows whether everything is as it was. */
export interface Sight {
  look(): Promise<Fingerprint>;
  changes(before: Fingerprint): Promise<readonly Difference[]>;
}

const sightOf = (node: TestNode): Sight => ({
  look: () => look(node),
  changes: (before) => changesSince(node, before),
});

/** @param sight Default: the whole node, and nothing else. */
export async function useStand(
  product: Product,
  lab: TestLab,
  node: TestNode,
  sight = sightOf(node),
): Promise<Stand> {
  const dataFolder = mkdtempSync(join(tmpdir(), "kbreak-crash-"));
  const way = await wayTo(node.access.port ?? 22);
  let sound = await sight.look();
  const drive = (task: Task) =>
    startNode([
      driver,
      JSON.stringify({
        ...task,
        product: product.folder,
        dataFolder,
        inventory: lab.inventory,
        target: node.name,
        port: way.port,
      }),
    ]);
  const whole = async (task: Task): Promise<Passed> => {
    const { code, stdout, stderr } = await drive(task).ended;
    if (code !== 0) throw new Error(`${task.subject} on ${node.name} does not work undisturbed: ${stderr}`);
    return JSON.parse(stdout) as Passed;
  };
  /** Starts kbreak and lets it meet its disaster. */
  const meet = async (task: Task, disaster: Disaster) => {
    const { talk, ended } = drive({ ...task, dies: disaster.kills });
    // It speaks when it is at the boundary, and says nothing when it ends without, or is killed.
    const stands = await new Promise<boolean>((answer) => {
      talk.once("data", () => answer(true));
      talk.once("close", () => answer(false));
    });
    const reached = disaster.kills ? (await ended).signal === "SIGKILL" : stands;
    if (reached) await disaster.strike?.(node, way);
    if (stands) talk.write("!");
    const [end] = await Promise.all([ended, reached && disaster.repair?.(node, way)]);
    if (reached) await disaster.afterwards?.(node, way);
    return { reached, end };
  };
  /** A fresh process puts everything back. */
  const putBack = async (): Promise<readonly string[]> => {
    const { code, stderr } = await product.kbreak(dataFolder, "undo");
    const open = readRuns(dataFolder).runs.filter(isOpen);
    const left = await sight.changes(sound);
    // What is left of one disaster is not to be counted against the next one.
    if (left.length > 0) sound = await sight.look();
    return [
      ...(code === 0 ? [] : [`kbreak undo ended with ${code}: ${stderr}`]),
      ...open.map(({ id, status }) => `run ${id} is still ${status}`),
      ...left.map(textOf),
    ];
  };
  return {
    node,
    async count(subject, defect = {}) {
      const applied = await whole({ subject, ...defect });
      const undone = await whole({ subject, run: applied.run });
      const boundaries = (verb: Boundary["verb"], names: readonly string[]) =>
        names.map((name, index) => ({ subject, verb, index, name }));
      return [...boundaries("apply", applied.passed), ...boundaries("undo", undone.passed)];
    },
    async try(point, defect = {}) {
      const task = { subject: point.subject, ...defect };
      try {
        const before = point.verb === "apply" ? {} : { run: (await whole(task)).run };
        const { reached, end } = await meet(
          { ...task, ...before, at: point.index },
          disasters[point.disaster],
        );
        const wrong = isDefect(end) || (!reached && end.code !== 0);
        return {
          point,
          reached,
          complaints: [
            ...(wrong ? [`kbreak ended with ${end.code}: ${end.stderr}`] : []),
            ...(await putBack()),
          ],
        };
      } catch (error) {
        throw new Error(nameOf({ point, complaints: [messageOf(error)] }), { cause: error });
      }
    },
    async end() {
      await way.close();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}
