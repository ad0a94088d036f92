import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { RunRecord } from "../../src/engine/records.ts";
import { newRunId, openRun, runIds, runsFolder } from "../../src/engine/runs.ts";
import { openLog } from "../../src/engine/undo-log.ts";
import { KbreakError } from "../../src/errors.ts";
import { inRounds, timed } from "../command.ts";
import { kbreak, kbreakWords, type Runs } from "../contenders.ts";
import { type BenchLab, benchLab } from "../lab.ts";
import type { LogResults } from "../results.ts";
import type { Stage } from "../stage.ts";

/** Where fsync has nothing to wait for. */
const MEMORY = "/dev/shm";

/** Records that are appended for one measurement. */
const RECORDS = 300;

/** Nodes whose runs are weighed. */
const NODES = [1, 5];

const bytesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, found) => sum + (found.isFile() ? found.size : 0), 0);

/** Records of a size that steps have, appended to a new log in the folder: how many a second. */
function recordsPerSecond(folder: string, record: RunRecord): number {
  const place = mkdtempSync(join(folder, "kb-log-"));
  const log = openLog(join(place, "run"), { create: true });
  try {
    const began = performance.now();
    for (let count = 0; count < RECORDS; count++) log.append(record);
    return RECORDS / ((performance.now() - began) / 1000);
  } finally {
    log.close();
    rmSync(place, { recursive: true, force: true });
  }
}

/** Applies the work and gives the run's id. */
async function applied(runs: Runs, nodes: readonly string[], stage: Stage): Promise<string> {
  const { apply } = kbreakWords(runs, "--limit", nodes.join(","), "-o", "name");
  const { output } = await timed(apply, stage);
  const id = /^\d{8}-\d{6}-[0-9a-f]{4}$/m.exec(output)?.[0];
  if (id === undefined) throw new KbreakError(`kbreak apply did not name its run:\n${output}`);
  return id;
}

/** What the runs of the work on few and on more nodes take on the disk; all are undone again. */
async function sizes(lab: BenchLab, stage: Stage): Promise<LogResults["runs"]> {
  const runs: LogResults["runs"][number][] = [];
  for (const nodes of NODES) {
    const names = lab.nodes.slice(0, nodes).map(({ name }) => name);
    const id = await applied(lab, names, stage);
    await timed(kbreakWords(lab).undo, stage);
    const { records } = openRun(lab.dataFolder, id, { readOnly: true });
    const bytes = bytesBelow(join(runsFolder(lab.dataFolder), id));
    runs.push({ nodes, records: records.length, kibibytes: Math.round(bytes / 1024) });
  }
  return runs;
}

/** Writes a run again under other ids, as if it had been made so often. */
function repeat(from: string, id: string, to: string, times: number): void {
  const { records } = openRun(from, id, { readOnly: true });
  for (let count = 1; count <= times; count++) {
    // An id tells seconds.
    const run = newRunId(new Date(Date.now() - count * 60_000));
    const log = openLog(join(runsFolder(to), run), { create: true });
    for (const { n: _n, at, ...record } of records)
      log.append(record.type === "run" ? { ...record, run } : (record as RunRecord), at);
    log.close();
  }
}

/** `kbreak status` of a broken node and `kbreak runs list`, with and without 99 runs that are closed. */
async function statuses(lab: BenchLab, stage: Stage, rounds: number) {
  const [closed = ""] = runIds(lab.dataFolder);
  const one = { ...lab, dataFolder: join(stage.folder, "one") };
  const hundred = { ...lab, dataFolder: join(stage.folder, "hundred") };
  await applied(one, [lab.nodes[0]?.name ?? ""], stage);
  cpSync(one.dataFolder, hundred.dataFolder, { recursive: true });
  repeat(lab.dataFolder, closed, hundred.dataFolder, 99);
  const seconds = (dataFolder: string, ...words: readonly string[]) =>
    timed([...kbreak, "--data-dir", dataFolder, ...words], stage).then((run) => run.seconds);
  const measured = await inRounds(
    [
      { name: "statusOfOne", measure: () => seconds(one.dataFolder, "status") },
      { name: "statusOfHundred", measure: () => seconds(hundred.dataFolder, "status") },
      { name: "listOfHundred", measure: () => seconds(hundred.dataFolder, "runs", "list") },
    ],
    rounds,
    stage.tell,
  );
  await timed(kbreakWords(one).undo, stage);
  return Object.fromEntries(measured) as Pick<
    LogResults,
    `${"status" | "list"}Of${string}` & keyof LogResults
  >;
}

/** What the undo log costs: on the disk that kbreak keeps it on, in size, and when there are many. */
export async function measureLog(stage: Stage, rounds: number): Promise<LogResults> {
  const lab = await benchLab(stage, String(Math.max(...NODES)));
  const runs = await sizes(lab, stage);
  const { records } = openRun(lab.dataFolder, runIds(lab.dataFolder).at(-1) ?? "", { readOnly: true });
  const found = records.find(({ type }) => type === "intent");
  if (found === undefined) throw new KbreakError("the run has no record of what it changed");
  const { n: _n, at: _at, ...intent } = found;
  const speed = (folder: string) => async () => recordsPerSecond(folder, intent as RunRecord);
  const perSecond = await inRounds(
    [
      { name: "disk", measure: speed(stage.folder) },
      { name: "memory", measure: speed(MEMORY) },
    ],
    rounds,
    stage.tell,
  );
  return {
    ...(Object.fromEntries(perSecond) as Pick<LogResults, "disk" | "memory">),
    recordBytes: JSON.stringify(intent).length,
    runs,
    ...(await statuses(lab, stage, rounds)),
  };
}
