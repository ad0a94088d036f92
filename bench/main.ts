/**
 * `npm run bench`: measures kbreak beside Ansible and a hand-written loop on practice nodes of this machine, says which
 * goals are met, and writes docs/performance.md and bench/results.json. All that it makes is gone afterwards.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { prepareHost } from "../scripts/prepare-host.ts";
import { KbreakError, messageOf } from "../src/errors.ts";
import { installPrograms } from "../src/lab/install.ts";
import { labDown } from "../src/lab/lab.ts";
import { labName } from "./lab.ts";
import { loadNow, machine } from "./machine.ts";
import { type Options, parseOptions } from "./options.ts";
import { goalsText, performance as performanceDocument } from "./report.ts";
import type { Results } from "./results.ts";
import { measureDistance } from "./sections/distance.ts";
import { measureLog } from "./sections/log.ts";
import { measureRecovery } from "./sections/recovery.ts";
import { measureStart } from "./sections/start.ts";
import { measureWide } from "./sections/wide.ts";
import { measureWork } from "./sections/work.ts";
import { openStage, type Stage } from "./stage.ts";

async function measure(options: Options, stage: Stage): Promise<Results> {
  const began = Date.now();
  const before = loadNow();
  const { rounds } = options;
  const section = async <T>(name: Options["sections"][number], work: () => Promise<T>) => {
    if (!options.sections.includes(name)) return {};
    stage.tell(`\n${name}`);
    const result = await work();
    await stage.strike("lab");
    return { [name]: result };
  };
  const measuredSections = {
    ...(await section("start", () => measureStart(stage, rounds))),
    ...(await section("log", () => measureLog(stage, rounds))),
    ...(await section("work", () => measureWork(stage, options.nodes, rounds))),
    ...(await section("distance", () => measureDistance(stage, rounds))),
    ...(await section("wide", () => measureWide(stage, options.endpoints, rounds))),
    ...(await section("recovery", () => measureRecovery(stage, options.breaks, 1))),
  };
  return {
    version: 1,
    command: ["npm run bench", ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])].join(
      " ",
    ),
    date: new Date(began).toISOString(),
    seconds: Math.round((Date.now() - began) / 1000),
    rounds,
    machine: await machine(before),
    ...measuredSections,
  };
}

function write(folder: string, path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  process.stderr.write(`wrote ${file}\n`);
}

const options = parseOptions(process.argv.slice(2), process.cwd());
const stage = await openStage(() => labDown(labName));
try {
  await prepareHost(["namespace"]);
  await installPrograms("The measurements", [
    ["ansible-playbook", "ansible-core"],
    ["ssh", "openssh-client"],
  ]);
  const results = await measure(options, stage);
  process.stdout.write(`${performanceDocument(results)}\n${goalsText(results)}`);
  if (options.output !== undefined) {
    write(options.output, "bench/results.json", `${JSON.stringify(results, undefined, 2)}\n`);
    write(options.output, "docs/performance.md", performanceDocument(results));
  }
  process.exitCode = 0;
} catch (error) {
  const hint = error instanceof KbreakError && error.hint !== undefined ? `\n${error.hint}` : "";
  process.stderr.write(
    stage.signal.aborted ? "interrupted\n" : `the bench failed: ${messageOf(error)}${hint}\n`,
  );
  process.exitCode = stage.signal.aborted ? 130 : 1;
} finally {
  await stage.clear();
}
