import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
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

/** Control planes, which can have the breaks of both roles. All are broken at once: as many samples as nodes. */
const NODES = 5;

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

const looks = (lab: BenchLab, before?: readonly Fingerprint[]) =>
  Promise.all(lab.nodes.map((node, index) => look(node, before?.[index])));

/** @throws KbreakError unless every node is what it was. */
async function demandEqual(lab: BenchLab, before: readonly Fingerprint[], what: string): Promise<void> {
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
function undo(lab: BenchLab, began: number, signal: AbortSignal): Promise<readonly number[]> {
  const [program = "", ...words] = [...kbreak, "--data-dir", lab.dataFolder, "undo", "-i", lab.inventory];
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...hostEnvironment(), NO_COLOR: "1" },
      signal,
    });
    const done = new Map<string, number>();
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      for (const [, node = ""] of said.matchAll(/^✓ (\S+) {2}undo {2}done/gm))
        if (!done.has(node)) done.set(node, (performance.now() - began) / 1000);
    });
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0
        ? resolve([...done.values()])
        : reject(new KbreakError(`kbreak undo: exit code ${code}: ${said}`)),
    );
  });
}

const applyWords = (lab: BenchLab, id: string) => [
  ...[...kbreak, "--data-dir", lab.dataFolder, "apply", id, "--yes", "-i", lab.inventory],
];

/** Ends `kbreak apply` with SIGKILL as soon as a change is in its undo log, and gives when that was. */
async function kill(lab: BenchLab, id: string, signal: AbortSignal): Promise<number> {
  const [program = "", ...words] = applyWords(lab, id);
  const earlier = new Set(runIds(lab.dataFolder));
  const child = spawn(program, words, { stdio: "ignore", env: hostEnvironment(), signal });
  child.once("error", () => {});
  const ended = new Promise((resolve) => child.once("close", resolve));
  const begun = () => {
    const run = runIds(lab.dataFolder).find((one) => !earlier.has(one));
    const file = join(runsFolder(lab.dataFolder), run ?? "", "log.jsonl");
    return run !== undefined && existsSync(file) && readFileSync(file, "utf8").includes('"type":"intent"');
  };
  while (child.exitCode === null && !begun()) await sleep(2);
  child.kill("SIGKILL");
  const killed = performance.now();
  await ended;
  return killed;
}

/** Recovery from one break: by undo, and after a death of kbreak in the middle. */
async function recover(
  lab: BenchLab,
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

/** How long it takes until nodes are again what they were, break by break. */
export async function measureRecovery(
  stage: Stage,
  wanted: readonly string[] | undefined,
  rounds: number,
): Promise<RecoveryResults> {
  const lab = await benchLab(stage, `${NODES}+0`);
  const before = await looks(lab);
  const breaks: BreakRecovery[] = [];
  const skipped: RecoveryResults["skipped"][number][] = [];
  for (const id of wanted ?? (await breakIds())) {
    stage.signal.throwIfAborted();
    const words = [...kbreak, "--data-dir", lab.dataFolder, "plan", id, "-i", lab.inventory];
    const refusal = await timed(words, stage).then(
      () => undefined,
      (error) => messageOf(error),
    );
    stage.signal.throwIfAborted();
    if (refusal !== undefined) {
      const reason = /^error: (?:\S+: )?(?:\S+: )?(.*)$/m.exec(refusal)?.[1] ?? refusal;
      skipped.push({ id, reason });
      continue;
    }
    const one = await recover(lab, id, before, rounds, stage.signal);
    stage.tell(`  ${id}: undone after ${one.undo.p50} s, after a kill ${one.killed.p50} s`);
    breaks.push(one);
  }
  return { nodes: lab.nodes.length, breaks, skipped };
}
