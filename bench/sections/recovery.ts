import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { breakIds } from "../../src/catalogue/catalogue.ts";
import { runIds, runsFolder } from "../../src/engine/runs.ts";
import { KbreakError, messageOf } from "../../src/errors.ts";
import { differences } from "../../src/fingerprint/differences.ts";
import { fingerprint } from "../../src/fingerprint/fingerprint.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import type { InventoryNode } from "../../src/inventory/types.ts";
import { hostEnvironment } from "../../src/lab/command.ts";
import { connect } from "../../src/transport/connect.ts";
import { timed } from "../command.ts";
import { kbreak } from "../contenders.ts";
import { type BenchLab, benchLab } from "../lab.ts";
import type { BreakRecovery, Percentiles, RecoveryResults } from "../results.ts";
import type { Stage } from "../stage.ts";
import { quantile } from "../statistics.ts";

/** Control planes, which can have the breaks of both roles. All of a group are broken at once: a sample each. */
const NODES = 8;

/** Much of a recovery is waiting: while one group waits, the other is worked on. */
const GROUPS = 2;

/** The nodes of a lab in groups, each with runs of its own. */
function groupsOf(lab: BenchLab): readonly Group[] {
  const size = lab.nodes.length / GROUPS;
  return Array.from({ length: GROUPS }, (_, index) => ({
    inventory: lab.inventory,
    dataFolder: `${lab.dataFolder}-${index}`,
    nodes: lab.nodes.slice(index * size, (index + 1) * size),
  }));
}

type Group = Pick<BenchLab, "inventory" | "dataFolder" | "nodes">;

const percentiles = (seconds: readonly number[]): Percentiles => ({
  count: seconds.length,
  p50: round(quantile(seconds, 0.5)),
  p95: round(quantile(seconds, 0.95)),
});

const round = (seconds: number) => Number(seconds.toFixed(2));

/** A look at a whole node; what nobody wrote to since the look before is not read again. */
async function look(node: InventoryNode, since: Fingerprint | undefined): Promise<Fingerprint> {
  const connection = await connect(node, { hostKey: undefined });
  try {
    return await fingerprint(connection, { deadline: 300_000, ...(since === undefined ? {} : { since }) });
  } finally {
    await connection.close();
  }
}

const looks = (lab: Group, before?: readonly Fingerprint[]) =>
  Promise.all(lab.nodes.map((node, index) => look(node, before?.[index])));

/** @throws KbreakError unless every node is what it was. */
async function demandEqual(lab: Group, before: readonly Fingerprint[], what: string): Promise<void> {
  for (const [index, after] of (await looks(lab, before)).entries()) {
    const one = before[index];
    const found = one === undefined ? [] : differences(one, after);
    if (found.length > 0)
      throw new KbreakError(
        `${what}: ${after.node} is not what it was: ${JSON.stringify(found.slice(0, 3))}`,
      );
  }
}

/** Undoes the open run, and gives when each node was done: seconds since `began`, by `performance.now()`. */
function undo(lab: Group, began: number, signal: AbortSignal): Promise<readonly number[]> {
  const [program = "", ...rest] = [...kbreak, "--data-dir", lab.dataFolder, "undo", "-i", lab.inventory];
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...hostEnvironment(), NO_COLOR: "1" },
      signal,
      killSignal: "SIGKILL",
    });
    const done = new Map<string, number>();
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      for (const [, node = ""] of said.matchAll(/^✓ (\S+) {2}undo {2}done/gm))
        if (!done.has(node)) done.set(node, (performance.now() - began) / 1000);
    });
    child.once("error", (error) => child.pid === undefined && reject(error));
    child.once("close", (code) =>
      code === 0
        ? resolve([...done.values()])
        : reject(new KbreakError(`kbreak undo: exit code ${code}: ${said}`)),
    );
  });
}

const words = ({ dataFolder, inventory, nodes }: Group, verb: string, id: string) => [
  ...[...kbreak, "--data-dir", dataFolder, verb, id, "-i", inventory],
  ...["--limit", nodes.map(({ name }) => name).join(",")],
];

const applyWords = (group: Group, id: string) => [...words(group, "apply", id), "--yes"];

/** Ends `kbreak apply` with SIGKILL as soon as it has begun on every node, and gives when that was. */
async function kill(lab: Group, id: string, signal: AbortSignal): Promise<number> {
  const [program = "", ...rest] = applyWords(lab, id);
  const earlier = new Set(runIds(lab.dataFolder));
  const child = spawn(program, rest, {
    stdio: "ignore",
    env: hostEnvironment(),
    signal,
    killSignal: "SIGKILL",
  });
  child.once("error", () => {});
  const ended = new Promise((resolve) => child.once("close", resolve));
  const begun = () => {
    const run = runIds(lab.dataFolder).find((one) => !earlier.has(one));
    if (run === undefined) return false;
    const log = readFileSync(join(runsFolder(lab.dataFolder), run, "log.jsonl"), "utf8");
    return log.split('"type":"intent"').length > lab.nodes.length;
  };
  while (child.exitCode === null && !begun()) await sleep(2);
  child.kill("SIGKILL");
  const killed = performance.now();
  await ended;
  return killed;
}

/** Recovery from one break: by undo, and after a death of kbreak in the middle. */
async function recover(
  lab: Group,
  id: string,
  before: readonly Fingerprint[],
  rounds: number,
  signal: AbortSignal,
): Promise<BreakRecovery> {
  const undone: number[] = [];
  const killed: number[] = [];
  for (let count = 0; count < rounds; count++) {
    await timed(applyWords(lab, id), { signal });
    undone.push(...(await undo(lab, performance.now(), signal)));
    await demandEqual(lab, before, `${id}, undone`);
    killed.push(...(await undo(lab, await kill(lab, id, signal), signal)));
    await demandEqual(lab, before, `${id}, killed and undone`);
  }
  return { id, undo: percentiles(undone), killed: percentiles(killed) };
}

/** Why a group cannot have a break, or `undefined`. */
async function refusalOf(group: Group, id: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    await timed(words(group, "plan", id), { signal });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    const said = messageOf(error);
    // What stands before it is the node and the break.
    return /^(?:error: )?\S+: \S+: (.*)$/m.exec(said)?.[1] ?? said;
  }
}

/** How long it takes until nodes are again what they were, break by break. */
export async function measureRecovery(
  stage: Stage,
  wanted: readonly string[] | undefined,
  rounds: number,
): Promise<RecoveryResults> {
  const lab = await benchLab(stage, `${NODES}+0`);
  const ids = wanted ?? (await breakIds());
  const breaks: BreakRecovery[] = [];
  const skipped: RecoveryResults["skipped"][number][] = [];
  const queue = ids.values();
  const work = async (group: Group) => {
    const before = await looks(group);
    for (const id of queue) {
      stage.signal.throwIfAborted();
      const reason = await refusalOf(group, id, stage.signal);
      if (reason !== undefined) {
        skipped.push({ id, reason });
        continue;
      }
      const one = await recover(group, id, before, rounds, stage.signal);
      stage.tell(`  ${id}: undone after ${one.undo.p50} s, after a kill ${one.killed.p50} s`);
      breaks.push(one);
    }
  };
  const ended = await Promise.allSettled(groupsOf(lab).map(work));
  const failed = ended.find((one) => one.status === "rejected");
  // What was interrupted keeps what it has.
  if (failed !== undefined && (!stage.signal.aborted || breaks.length === 0)) throw failed.reason;
  const inOrder = <T extends { readonly id: string }>(all: readonly T[]) =>
    all.toSorted((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
  return { nodes: NODES / GROUPS, breaks: inOrder(breaks), skipped: inOrder(skipped) };
}
