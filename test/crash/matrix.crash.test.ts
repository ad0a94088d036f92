import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kinds } from "../../src/operations/index.ts";
import { type TestLab, useLab } from "../support/lab.ts";
import { type Product, useProduct } from "../support/product.ts";
import { everyDisaster } from "./disasters.ts";
import { examples, kindsFor, playbooksOf } from "./examples.ts";
import { type Boundary, nameOf, type Point, type Stand, useStand } from "./harness.ts";
import { possibleBreaks } from "./possible.ts";
import { random, sample, shuffled } from "./sample.ts";

/** True: every disaster at every boundary of every kind and break, which takes hours. */
const full = process.env.KBREAK_CRASH === "full";
const seed = Number(process.env.KBREAK_CRASH_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Seconds that each of the two tests may take: what is not tried by then is said, and left to another seed. */
const budget = Number(process.env.KBREAK_CRASH_SECONDS ?? "360");

/** Where the disasters happen: kbreak waits more than it works, so that there are more nodes than cores. */
const STANDS = 5;

let product: Product;
let labs: readonly TestLab[] = [];
let stands: readonly Stand[] = [];

beforeAll(async () => {
  // Each in a lab of its own, as the nodes of one lab are started one after the other.
  const all = Array.from({ length: STANDS }, () => useLab({ nodes: "1+0", fresh: true }));
  [product, ...labs] = await Promise.all([useProduct(), ...all]);
  stands = await Promise.all(labs.map((lab) => useStand(product, lab, lab.node("cp1"))));
}, 600_000);

afterAll(async () => {
  for (const stand of stands) await stand.end();
  for (const lab of labs) await lab.down();
  product?.remove();
});

/** Hands the jobs to whichever node is free, until there are none, or `enough` says so of the next one. */
async function onAllStands<Job, Result>(
  jobs: readonly Job[],
  work: (stand: Stand, job: Job) => Promise<Result>,
  enough: (job: Job) => boolean = () => false,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const queue = jobs.values();
  await Promise.all(
    stands.map(async (stand) => {
      for (const job of queue) {
        if (enough(job)) continue;
        results.push(await work(stand, job));
      }
    }),
  );
  return results;
}

interface Matrix {
  readonly title: string;
  readonly subjects: readonly string[];
  /** How many boundaries of each subject; `undefined`: all. */
  readonly boundaries: number | undefined;
  /** How many points of each subject are tried although the time is over. */
  readonly least: number;
}

/** Tries the points, tells what came of it, and fails for every residue. */
async function tryAll({ title, subjects, boundaries: wanted, least }: Matrix): Promise<void> {
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1000);
  const next = random(seed);
  const counted = (await onAllStands(subjects, (stand, subject) => stand.count(subject))).toSorted(
    ([one], [other]) => (one?.subject ?? "").localeCompare(other?.subject ?? ""),
  );
  const chosen = counted.map((each) => pointsOf(each, full ? undefined : wanted, next));
  // One of each subject, then the next of each, so that none is left out when time is over.
  const rounds = Math.max(...chosen.map(({ length }) => length));
  const jobs = Array.from({ length: rounds }, (_, round) =>
    chosen.flatMap((each) => each.slice(round, round + 1).map((point) => ({ point, round }))),
  ).flat();
  const tried = await onAllStands(
    jobs,
    (stand, { point }) => stand.try(point),
    ({ round }) => !full && round >= least && seconds() > budget,
  );
  const wrong = tried.filter(({ complaints }) => complaints.length > 0);
  const met = everyDisaster.map((name) => {
    const mine = tried.filter(({ point }) => point.disaster === name);
    return `${mine.filter(({ reached }) => reached).length} ${name}`;
  });
  process.stdout.write(
    `crash: ${title}: ${counted.flat().length} boundaries, ${tried.length} of ${jobs.length} points tried ` +
      `(seed ${seed}), there ${met.join(", ")}; ${tried.length - wrong.length} undone to equality, ` +
      `${wrong.length} residues, ${seconds()} s\n`,
  );
  expect(wrong.map(nameOf)).toEqual([]);
  expect(tried.filter(({ reached }) => reached).length).toBeGreaterThan(tried.length * 0.8);
}

/** Each boundary with every disaster, or in a sample with one, in an order in which the first few are of all phases. */
function pointsOf(
  boundaries: readonly Boundary[],
  wanted: number | undefined,
  next: () => number,
): readonly Point[] {
  if (full)
    return boundaries.flatMap((boundary) => everyDisaster.map((disaster) => ({ ...boundary, disaster })));
  const first = Math.floor(next() * everyDisaster.length);
  const some = sample(boundaries, Math.min(wanted ?? boundaries.length, boundaries.length), next);
  return shuffled(
    some.flatMap((boundary, index) => {
      const disaster = everyDisaster[(first + index) % everyDisaster.length];
      return disaster === undefined ? [] : [{ ...boundary, disaster }];
    }),
    next,
  );
}

describe("whatever happens to kbreak, its connection, or its node", () => {
  it("a run with operations of every kind is undone to the same node", async () => {
    expect(Object.keys(examples).toSorted()).toEqual([...kinds.keys()].toSorted());
    const shared = kindsFor("shared");
    const playbooks = playbooksOf(shuffled(shared, random(seed)), 3);
    try {
      const title = `${shared.length} kinds of operations in ${playbooks.files.length} playbooks`;
      await tryAll({ title, subjects: playbooks.files, boundaries: undefined, least: 6 });
    } finally {
      playbooks.remove();
    }
  }, 36_000_000);

  it("every break is undone to the same node", async () => {
    const [lab] = labs;
    const ids = lab === undefined ? [] : await possibleBreaks(lab);
    expect(ids.length).toBeGreaterThanOrEqual(5);
    await tryAll({ title: `${ids.length} breaks`, subjects: ids, boundaries: 6, least: 2 });
  }, 36_000_000);

  it("is found when it logs a change only after making it", async () => {
    const [stand] = stands;
    if (stand === undefined) throw new Error("there is no node");
    const defect = { logAfterActing: true };
    const boundaries = await stand.count("files/immutable", defect);
    // Scripts read facts, read the step, and make the change.
    const acted = boundaries.find(({ verb, name }) => verb === "apply" && name === "script 2: answered");
    if (acted === undefined)
      throw new Error(`no such boundary: ${boundaries.map(({ name }) => name).join(", ")}`);
    const { reached, complaints } = await stand.try({ ...acted, disaster: "killed" }, defect);
    expect(reached).toBe(true);
    expect(complaints).toEqual([expect.stringContaining("/etc/kubernetes/manifests/kube-apiserver.yaml")]);
    await stand.node.exec("chattr -i /etc/kubernetes/manifests/kube-apiserver.yaml");
  });
});
