/**
 * `npm run bench`: measures kbreak beside Ansible and a hand-written loop on practice nodes of this machine, says which
 * goals are met, and writes docs/performance.md and bench/results.json. All that it makes is gone afterwards.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { prepareHost } from "../scripts/prepare-host.ts";
import { KbreakError, messageOf } from "../src/errors.ts";
import { readIfThere } from "../src/lab/file.ts";
import { installPrograms } from "../src/lab/install.ts";
import { labDown } from "../src/lab/lab.ts";
import { stopEndpoints } from "./endpoints.ts";
import { withKept } from "./keep.ts";
import { labName } from "./lab.ts";
import { loadNow, machine } from "./machine.ts";
import { type Options, parseOptions, type Section } from "./options.ts";
import { goalsTable, performanceDocument } from "./report.ts";
import type { Results } from "./results.ts";
import { measureDistance } from "./sections/distance.ts";
import { measureLog } from "./sections/log.ts";
import { measureRecovery } from "./sections/recovery.ts";
import { measureStart } from "./sections/start.ts";
import { measureWide } from "./sections/wide.ts";
import { measureWork } from "./sections/work.ts";
import { openStage, type Stage } from "./stage.ts";

type Sections = Pick<Results, Section>;

/** Every break is broken twice in each round, on all nodes at once: these are samples enough, and more would take hours. */
const RECOVERY_ROUNDS = 2;

/** Measures one section after the other. One that fails is left out, and the others are measured all the same. */
async function measureSections(options: Options, stage: Stage): Promise<Sections & Pick<Results, "missing">> {
  const { rounds, nodes, patience, endpoints, breaks } = options;
  const work: { readonly [Name in Section]: () => Promise<Sections[Name]> } = {
    start: () => measureStart(stage, rounds),
    work: () => measureWork(stage, nodes, rounds, patience),
    log: () => measureLog(stage, rounds),
    distance: () => measureDistance(stage, rounds),
    wide: () => measureWide(stage, endpoints, rounds),
    recovery: () => measureRecovery(stage, breaks, Math.min(rounds, RECOVERY_ROUNDS)),
  };
  let found: Sections = {};
  const missing: string[] = [];
  for (const name of options.sections) {
    stage.tell(`\n${name}`);
    try {
      stage.signal.throwIfAborted();
      found = { ...found, [name]: await work[name]() };
    } catch (error) {
      const why = stage.signal.aborted ? "interrupted" : messageOf(error);
      stage.tell(`${name}: ${why}`);
      missing.push(`${name}: ${why}`);
    }
    for (const what of ["lab", "endpoints"]) await stage.strike(what);
  }
  return { ...found, ...(missing.length === 0 ? {} : { missing }) };
}

/** What was typed, but where the results went: that is nobody's business. */
function commandLine(words: readonly string[]): string {
  const kept = words.filter((word, index) => !word.startsWith("--output") && words[index - 1] !== "--output");
  return kept.length === 0 ? "npm run bench" : `npm run bench -- ${kept.join(" ")}`;
}

async function measure(options: Options, stage: Stage): Promise<Results> {
  const began = Date.now();
  const before = loadNow();
  const found = await measureSections(options, stage);
  return {
    version: 1,
    command: commandLine(process.argv.slice(2)),
    date: new Date(began).toISOString(),
    seconds: Math.round((Date.now() - began) / 1000),
    rounds: options.rounds,
    machine: await machine(before),
    ...found,
  };
}

function write(folder: string, path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  process.stderr.write(`wrote ${file}\n`);
}

/** The results that a folder has already. */
function earlierIn(folder: string | undefined): Results | undefined {
  const text = folder === undefined ? undefined : readIfThere(join(folder, "bench/results.json"));
  return text === undefined ? undefined : (JSON.parse(text) as Results);
}

const options = parseOptions(process.argv.slice(2), process.cwd());
const stage = await openStage(async (pid) => {
  await labDown(labName);
  await stopEndpoints(pid);
});
try {
  await prepareHost(["namespace"]);
  if (options.sections.some((section) => section === "work" || section === "distance"))
    await installPrograms("The measurements", [
      ["ansible-playbook", "ansible-core"],
      ["ssh", "openssh-client"],
    ]);
  const measured = await measure(options, stage);
  const results = withKept(measured, earlierIn(options.output), options.sections);
  const text = performanceDocument(results, readIfThere("bench/remarks.md"));
  process.stdout.write(`${text}\n${goalsTable(results)}\n`);
  if (options.output !== undefined) {
    write(options.output, "bench/results.json", `${JSON.stringify(results, undefined, 2)}\n`);
    write(options.output, "docs/performance.md", text);
  }
  process.exitCode = stage.signal.aborted ? 130 : results.missing === undefined ? 0 : 1;
} catch (error) {
  const hint = error instanceof KbreakError && error.hint !== undefined ? `\n${error.hint}` : "";
  process.stderr.write(
    stage.signal.aborted ? "interrupted\n" : `the bench failed: ${messageOf(error)}${hint}\n`,
  );
  process.exitCode = stage.signal.aborted ? 130 : 1;
} finally {
  await stage.clear();
}
