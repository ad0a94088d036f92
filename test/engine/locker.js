/**
 * `node locker.js '{…}'`: a process of its own that takes locks with the real code.
 * `take`: takes one, prints `taken` or the error's message, and holds it until it is killed.
 * `abandon`: takes all, and dies without releasing them; `host` and `pid` say as whom, with another process's start.
 * `race`: in each round tries to take that round's lock, and prints what came of it.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { join } from "node:path";

const task = JSON.parse(process.argv[2] ?? "{}");

const { readFileSync } = fs;
if (task.host !== undefined) os.hostname = () => task.host;
if (task.pid !== undefined) {
  Object.defineProperty(process, "pid", { value: task.pid });
  fs.readFileSync = (path, ...rest) =>
    readFileSync(path === `/proc/${task.pid}/stat` ? "/proc/1/stat" : path, ...rest);
}
const self = Number(readFileSync("/proc/self/stat", "utf8").split(" ")[0]);
syncBuiltinESMExports();

const { lockTarget } = await import(join(task.product, "src/engine/locks.js"));

/** @param {number} milliseconds */
const pause = (milliseconds) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(0, milliseconds));

/** @param {string} machine */
const take = (machine) => lockTarget(task.dataFolder, "cp1", machine, `run-of-${self}`);

if (task.verb === "take") {
  try {
    take(task.machine);
    process.stdout.write("taken\n");
    setInterval(() => {}, 1000);
  } catch (error) {
    process.stdout.write(`${error.code}: ${error.message}\n`);
  }
} else if (task.verb === "abandon") {
  for (const machine of task.machines) take(machine);
  process.kill(self, "SIGKILL");
} else {
  const result = { won: 0, lost: 0, /** @type {string[]} */ wrong: [] };
  for (const [round, machine] of task.machines.entries()) {
    pause(task.from + round * task.every - Date.now());
    const inside = join(task.dataFolder, `inside-${machine}`);
    try {
      const release = take(machine);
      result.won += 1;
      // Only one process can make a file that must not be there.
      fs.closeSync(fs.openSync(inside, "wx"));
      pause(3);
      fs.unlinkSync(inside);
      release();
    } catch (error) {
      if (error.code === "lock") result.lost += 1;
      else result.wrong.push(`${machine}: ${error.message}`);
    }
  }
  process.stdout.write(JSON.stringify(result));
}
