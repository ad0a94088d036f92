/**
 * `node driver.js '{…}'`: applies a break to a node, or undoes a run, with the real engine, and kills itself without
 * warning at the boundary that it is told. Without one it runs to its end and prints the boundaries that it passed.
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
 * @property {string} break
 * @property {string} [run] Undo this run instead of applying the break.
 * @property {number} [killAt] Which boundary, from 0.
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

/** @param {string} name */
function boundary(name) {
  if (passed.length === task.killAt) process.kill(process.pid, "SIGKILL");
  passed.push(name);
}

const { openSync, writeSync, fsyncSync, renameSync } = fs;

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
const [{ connect }, { loadCatalogue }, { loadInventory }, { readEnrolment }] = await Promise.all([
  load("transport/connect.js"),
  load("catalogue/catalogue.js"),
  load("inventory/load.js"),
  load("inventory/enrolment.js"),
]);

let scripts = 0;

/** @type {typeof connect} */
const watched = async (node, options) => {
  const connection = await connect(node, options);
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

async function applyBreak() {
  const [{ plan }, { apply, errorOf }, { playbookOf }] = await Promise.all([
    load("engine/plan.js"),
    load("engine/apply.js"),
    load("playbook/single.js"),
  ]);
  const { breaks } = await loadCatalogue();
  const inventory = await loadInventory(task.inventory);
  const enrolment = await readEnrolment(inventory);
  const playbook = await playbookOf(task.break, [], breaks);
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

const run = task.run === undefined ? await applyBreak() : await undo(task.run);
process.stdout.write(JSON.stringify({ run, passed }));
