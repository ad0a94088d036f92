/**
 * `node driver.js '{…}'`: applies a break or a playbook to a node, or undoes a run, with the real engine. At the boundary
 * that it is told it kills itself without warning, or stands still until whoever started it has done its worst. Without
 * one it runs to its end and prints the boundaries that it passed.
 *
 * The product knows nothing of this: node's own `fs` is watched from outside, and the way to the node is wrapped.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * @typedef {object} Task
 * @property {string} product Folder of the compiled product.
 * @property {string} dataFolder
 * @property {string} inventory
 * @property {string} target
 * @property {string} subject Id of a break, or path of a playbook.
 * @property {string} [run] Undo this run instead of applying the subject.
 * @property {number} [at] Which boundary, from 0.
 * @property {boolean} [dies] True: it kills itself there. Else it says so on descriptor 3, and goes on when it is answered.
 * @property {number} [port] Of this machine, by which the node is reached. Default: the inventory's.
 * @property {boolean} [logAfterActing] The defect that the whole harness is there to find: what the log is to hold of a
 *   change reaches the disk only after the next script.
 * @property {string} [late] The change is not sent but kept in this file, as if it were stuck in the network.
 */

/** @type {Task} */
const task = JSON.parse(process.argv[2] ?? "{}");

/** Milliseconds after which a script that was sent is caught while it runs. */
const underWay = [15, 120];

/** @type {string[]} */
const passed = [];

const { openSync, readSync, writeSync, fsyncSync, renameSync } = fs;

/** The end of the pipe to whoever started this. */
const STARTER = 3;

/** @param {string} name */
function boundary(name) {
  if (passed.length === task.at) {
    if (task.dies) process.kill(process.pid, "SIGKILL");
    // Nothing at all happens here meanwhile, not even a packet is read.
    writeSync(STARTER, name);
    readSync(STARTER, Buffer.alloc(1));
  }
  passed.push(name);
}

/** What is open below the data folder. @type {Map<number, string>} */
const open = new Map();

/** Writes that a defective log holds back. @type {{ descriptor: number, bytes: Buffer, position: number }[]} */
const held = [];

function letGo() {
  for (const { descriptor, bytes, position } of held.splice(0))
    writeSync(descriptor, bytes, 0, bytes.length, position);
}

fs.openSync = (path, ...rest) => {
  const descriptor = openSync(path, ...rest);
  if (String(path).startsWith(join(task.dataFolder, "runs")))
    open.set(
      descriptor,
      String(path)
        .slice(task.dataFolder.length + 1)
        .replace(/[0-9a-f]{64}/, "SHA"),
    );
  else open.delete(descriptor);
  return descriptor;
};

fs.writeSync = (descriptor, bytes, offset, length, position) => {
  const name = open.get(descriptor);
  if (name === undefined) return writeSync(descriptor, bytes, offset, length, position);
  if (task.logAfterActing && name.endsWith("log.jsonl") && bytes.includes('"type":"intent"')) {
    held.push({ descriptor, bytes: Buffer.from(bytes.subarray(offset, offset + length)), position });
    return length;
  }
  boundary(`${name}: before the write`);
  const half = Math.floor(length / 2);
  writeSync(descriptor, bytes, offset, half, position);
  boundary(`${name}: half written`);
  writeSync(descriptor, bytes, offset + half, length - half, position + half);
  boundary(`${name}: written`);
  return length;
};

fs.fsyncSync = (descriptor) => {
  fsyncSync(descriptor);
  const name = open.get(descriptor);
  if (name !== undefined) boundary(`${name}: synced`);
};

fs.renameSync = (from, to) => {
  renameSync(from, to);
  if (String(to).startsWith(join(task.dataFolder, "runs"))) boundary(`${dirname(String(to))}: renamed`);
};

syncBuiltinESMExports();

/** @param {string} path */
const load = (path) => import(join(task.product, "src", path));
const [{ KbreakError }, { connect }, { loadCatalogue }, { loadInventory }, { readEnrolment }] =
  await Promise.all([
    load("errors.js"),
    load("transport/connect.js"),
    load("catalogue/catalogue.js"),
    load("inventory/load.js"),
    load("inventory/enrolment.js"),
  ]);

let scripts = 0;

/** @type {typeof connect} */
const watched = async (node, options) => {
  const connection = await connect(task.port === undefined ? node : { ...node, port: task.port }, options);
  return {
    ...connection,
    async run(script, how) {
      const name = `script ${scripts++}`;
      if (task.late !== undefined && script.includes("folders-found")) {
        fs.writeFileSync(task.late, script);
        process.kill(process.pid, "SIGKILL");
      }
      boundary(`${name}: before it is sent`);
      const running = connection.run(script, how);
      let waited = 0;
      for (const moment of underWay) {
        await Promise.race([running, sleep(moment - waited)]);
        waited = moment;
        boundary(`${name}: ${moment} ms after it was sent`);
      }
      const outcome = await running;
      boundary(`${name}: answered`);
      letGo();
      return outcome;
    },
  };
};

const context = {
  dataFolder: task.dataFolder,
  connect: watched,
  emit: () => {},
  logger: { info: () => {}, warn: () => {} },
  signal: new AbortController().signal,
  forks: 1,
};

/** @param {Map<string, unknown>} breaks */
async function playbookFor(breaks) {
  const [{ playbookOf }, { loadPlaybook }, { kinds }] = await Promise.all([
    load("playbook/single.js"),
    load("playbook/load.js"),
    load("operations/index.js"),
  ]);
  if (breaks.has(task.subject)) return playbookOf(task.subject, [], breaks);
  return loadPlaybook(task.subject, { breaks, operations: kinds });
}

async function applySubject() {
  const [{ plan }, { apply, errorOf }] = await Promise.all([load("engine/plan.js"), load("engine/apply.js")]);
  const { breaks } = await loadCatalogue();
  const inventory = await loadInventory(task.inventory);
  const enrolment = await readEnrolment(inventory);
  const playbook = await playbookFor(breaks);
  const planned = await plan({ playbook, inventory, enrolment, breaks, limit: task.target }, context);
  const result = await apply(planned, { verify: true, keep: false }, context);
  await Promise.all(planned.targets.map(({ session }) => session.close()));
  const error = errorOf(planned, result);
  if (error !== undefined) throw error;
  return result.run;
}

/** @param {string} run */
async function undo(run) {
  const { undoErrorOf, undoRun } = await load("engine/undo-run.js");
  const access = async () => (/** @type {any} */ target) => target.access;
  const error = undoErrorOf(await undoRun(run, { exact: false, access }, context));
  if (error !== undefined) throw error;
  return run;
}

try {
  const run = task.run === undefined ? await applySubject() : await undo(task.run);
  process.stdout.write(JSON.stringify({ run, passed }));
} catch (error) {
  // What kbreak explains to a person ends as the command line ends; anything else is a defect.
  if (!(error instanceof KbreakError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
