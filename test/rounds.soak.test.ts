import { readdirSync, readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Fingerprint } from "../src/fingerprint/types.ts";
import { type DisasterName, everyDisaster } from "./crash/disasters.ts";
import { kindsFor, type Playbooks, playbooksOf } from "./crash/examples.ts";
import { nameOf, type Stand, useStand } from "./crash/harness.ts";
import { possibleBreaks } from "./crash/possible.ts";
import { random, shuffled } from "./crash/sample.ts";
import { type Bench, changesSince, look, on, useBench } from "./support/bench.ts";
import type { TestNode } from "./support/lab.ts";
import { type Product, useProduct } from "./support/product.ts";

const rounds = Number(process.env.KBREAK_SOAK_ROUNDS ?? "200");
const seed = Number(process.env.KBREAK_SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** All rounds take about an hour: how it stands is told after so many. */
const TOLD_EVERY = 20;

/** One round in so many is a disaster, which needs a process of its own. */
const DISASTER_EVERY = 3;

/** About as many boundaries as there are in an application, and in an undo: a place that a round does not come to is none. */
const BOUNDARIES = 40;

/**
 * Bytes by which what is in use may differ between the end and the first quarter: modules that are loaded when they are
 * first needed. What the process has of the system's memory follows the garbage, and is looked at more generously.
 */
const TOLERANCE = { used: 16 * 1024 * 1024, resident: 192 * 1024 * 1024 };

let product: Product;
let bench: Bench;
let playbooks: Playbooks;
let stands: readonly Stand[] = [];
let sound: ReadonlyMap<string, Fingerprint> = new Map();

beforeAll(async () => {
  [product, bench] = await Promise.all([useProduct(), useBench({ nodes: "3+0", fresh: true })]);
  const { nodes } = bench.lab;
  stands = await Promise.all(nodes.map((node) => useStand(product, bench.lab, node)));
  sound = new Map(await Promise.all(nodes.map(async (node) => [node.name, await look(node)] as const)));
  playbooks = playbooksOf(shuffled(kindsFor("shared"), random(seed)), 3);
}, 600_000);

afterAll(async () => {
  playbooks?.remove();
  for (const stand of stands) await stand.end();
  product?.remove();
  await bench?.end();
});

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What this process holds, besides memory that is garbage. */
function holdings() {
  collectGarbage();
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim();
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    descriptors: readdirSync("/proc/self/fd").length,
    children: children === "" ? 0 : children.split(" ").length,
    used: heapUsed + external,
    resident: rss,
  };
}

/** What is left on a node of scripts, of their lock, and of connections: this login's own processes aside. */
const LEFT = `flock -n / true || echo 'the lock is held'
pgrep -a -f '^sshd(-session)?: [^/]' | grep -v -e "^$PPID " -e "^$(ps -o ppid= -p $PPID | tr -d ' ') "
pgrep -a -x sh || :`;

/** Another person's hand: a line more in each file that the run has changed, and that can be written. */
async function drift(run: string, node: TestNode): Promise<void> {
  const paths = bench
    .planned(run)
    .flatMap(({ spec }) => (spec.kind === "file" && "path" in spec ? [String(spec.path)] : []));
  const edits = paths.map((path) => `[ -L '${path}' ] || [ ! -f '${path}' ] || echo '# a note' >> '${path}'`);
  await on(node, ["exec 2>/dev/null", ...edits, ":"].join("; "));
}

/** Applied by the engine of this process, looked at, perhaps edited by somebody, undone, and equal. */
async function calm(
  subject: string,
  nodes: readonly TestNode[],
  drifts: boolean,
): Promise<readonly string[]> {
  const playbook = bench.breaks.has(subject)
    ? await bench.single(subject)
    : await bench.playbook(readFileSync(subject, "utf8"));
  const run = await bench.apply(playbook, { limit: nodes.map(({ name }) => name).join(",") });
  const { steps } = await bench.status(run);
  const idle = steps.filter(({ state }) => state !== "in effect");
  const [first] = nodes;
  if (drifts && first !== undefined) await drift(run, first);
  const undone = await bench.undo(run, { exact: true });
  const complaints = [
    ...idle.map(({ target, title, state }) => `${target}: ${title} is ${state} before anybody touched it`),
    ...(undone.complete && undone.kept === 0 ? [] : [`undo: ${JSON.stringify(undone.targets)}`]),
  ];
  for (const node of nodes) {
    const before = sound.get(node.name);
    const left = before === undefined ? [] : await changesSince(node, before);
    complaints.push(...left.map((difference) => `${node.name}: ${JSON.stringify(difference)}`));
  }
  return complaints.map((complaint) => `${subject}${drifts ? ", edited meanwhile" : ""}: ${complaint}`);
}

it(`${rounds} rounds of apply, check, drift, disaster and undo leave nothing, here or there`, async () => {
  const began = performance.now();
  const next = random(seed);
  const pick = <Thing>(things: readonly Thing[]): Thing => {
    const thing = things[Math.floor(next() * things.length)];
    if (thing === undefined) throw new Error("there is nothing to pick");
    return thing;
  };
  const subjects = [...(await possibleBreaks(bench.lab)), ...playbooks.files];
  const wrong: string[] = [];
  const met = new Map<DisasterName, number>();
  let settled = holdings();
  const megabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`;
  const tell = (round: number, now: ReturnType<typeof holdings>) =>
    process.stdout.write(
      `soak: ${round} of ${rounds} rounds (seed ${seed}) on ${bench.lab.nodes.length} nodes, disasters met: ` +
        `${[...met].map(([name, count]) => `${count} ${name}`).join(", ") || "none"}; ${wrong.length} residues; ` +
        `descriptors ${settled.descriptors} -> ${now.descriptors}, ` +
        `memory in use ${megabytes(settled.used)} -> ${megabytes(now.used)}, ` +
        `resident ${megabytes(settled.resident)} -> ${megabytes(now.resident)}, ` +
        `${Math.round((performance.now() - began) / 1000)} s\n`,
    );
  for (let round = 1; round <= rounds; round += 1) {
    const subject = pick(subjects);
    if (round % DISASTER_EVERY === 0) {
      const disaster = pick(everyDisaster);
      const verb = pick(["apply", "undo"] as const);
      const index = Math.floor(next() * BOUNDARIES);
      const tried = await pick(stands).try({ subject, verb, index, name: "", disaster });
      if (tried.reached) met.set(disaster, (met.get(disaster) ?? 0) + 1);
      if (tried.complaints.length > 0) wrong.push(nameOf(tried));
    } else {
      const nodes = shuffled(bench.lab.nodes, next).slice(0, 1 + Math.floor(next() * 3));
      wrong.push(...(await calm(subject, nodes, next() < 0.5)));
    }
    if (round === Math.ceil(rounds / 4)) settled = holdings();
    if (round % TOLD_EVERY === 0 || round === rounds) tell(round, holdings());
  }
  const last = holdings();
  expect(wrong).toEqual([]);
  expect(last.children).toBe(settled.children);
  expect(last.descriptors).toBeLessThanOrEqual(settled.descriptors + 2);
  expect(last.used).toBeLessThan(settled.used + TOLERANCE.used);
  expect(last.resident).toBeLessThan(settled.resident + TOLERANCE.resident);
  expect(bench.locks()).toEqual([]);
  for (const node of bench.lab.nodes) await expect.poll(() => on(node, LEFT), { timeout: 30_000 }).toBe("");
}, 36_000_000);
