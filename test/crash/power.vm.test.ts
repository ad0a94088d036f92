import { afterAll, beforeAll, expect, it } from "vitest";
import { on } from "../support/bench.ts";
import { type TestLab, type TestNode, useLab } from "../support/lab.ts";
import { type Product, useProduct } from "../support/product.ts";
import { kindsFor, playbooksOf } from "./examples.ts";
import { nameOf, type Stand, type Tried, useStand } from "./harness.ts";
import { random, sample } from "./sample.ts";

/** How many boundaries of each subject are tried; one of one subject where nothing is said. */
const points = process.env.KBREAK_POWER_POINTS;
const wanted = Number(points ?? "1");
const seed = Number(process.env.KBREAK_CRASH_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** What only a kernel of its own lets a node have. */
const playbooks = playbooksOf(kindsFor("own"), 3);
/** Files, a unit that is enabled and runs, and memory that is nowhere else: each is treated in a way of its own. */
const sorts = ["persistence/rogue-systemd-unit", "files/swap-enabled", ...playbooks.files];
const subjects = points === undefined ? sample(sorts, 1, random(seed)) : sorts;

let product: Product;
let lab: TestLab;
let stand: Stand;
let node: TestNode;

async function powerFails(): Promise<void> {
  await node.powerCut();
  await node.start();
}

beforeAll(async () => {
  [product, lab] = await Promise.all([useProduct(), useLab({ provider: "vm", nodes: "1", fresh: true })]);
  node = lab.node("cp1");
  stand = await useStand(product, lab, node);
}, 600_000);

afterAll(async () => {
  playbooks.remove();
  await stand?.end();
  product?.remove();
  await lab?.down();
});

it("a power cut takes what was not synced, and nothing else", async () => {
  const folder = (await on(node, "stat -c %y /root")).trim();
  await on(node, "echo kept >/root/synced && sync /root/synced && sync && echo lost >/root/unsynced");
  await powerFails();
  expect(await on(node, "cat /root/synced; cat /root/unsynced 2>/dev/null || echo none")).toBe(
    "kept\nnone\n",
  );
  await on(node, `rm /root/synced && touch -d '${folder}' /root && sync`);
}, 600_000);

it(`kbreak killed and the node's power cut at ${wanted} boundaries of each subject: undone to the same node`, async () => {
  const began = performance.now();
  const next = random(seed);
  const tried: Tried[] = [];
  for (const subject of subjects) {
    for (const boundary of sample(await stand.count(subject), wanted, next))
      tried.push(await stand.try({ ...boundary, disaster: "blackout" }));
  }
  const wrong = tried.filter(({ complaints }) => complaints.length > 0);
  const killed = tried.filter(({ reached }) => reached).length;
  process.stdout.write(
    `power: ${subjects.length} subjects, ${tried.length} boundaries tried (seed ${seed}), ${killed} killed there, ` +
      `${tried.length - wrong.length} undone to equality, ${wrong.length} residues, ` +
      `${Math.round((performance.now() - began) / 1000)} s\n`,
  );
  expect(wrong.map(nameOf)).toEqual([]);
  expect(killed).toBeGreaterThan(0);
}, 3_600_000);
