import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadCatalogue } from "../../src/catalogue/catalogue.ts";
import { type TestLab, useLab } from "../support/lab.ts";
import { type Product, useProduct } from "../support/product.ts";
import { nameOf, type Stand, useStand } from "./harness.ts";
import { random, sample } from "./sample.ts";

/** How many boundaries of each break are tried; `all` takes long, see `npm run test:crash`. */
const wanted = process.env.KBREAK_CRASH_POINTS ?? "6";
const seed = Number(process.env.KBREAK_CRASH_SEED ?? Math.floor(Math.random() * 2 ** 31));

let product: Product;
let lab: TestLab;
let stands: readonly Stand[] = [];

beforeAll(async () => {
  [product, lab] = await Promise.all([useProduct(), useLab({ nodes: "3+0", fresh: true })]);
  stands = await Promise.all(lab.nodes.map((node) => useStand(product, lab, node)));
});

afterAll(async () => {
  for (const stand of stands) stand.remove();
  product?.remove();
  await lab?.down();
});

/** Hands the jobs to whichever node is free. */
async function onAllStands<Job, Result>(
  jobs: readonly Job[],
  work: (stand: Stand, job: Job) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const queue = jobs.values();
  await Promise.all(
    stands.map(async (stand) => {
      for (const job of queue) results.push(await work(stand, job));
    }),
  );
  return results;
}

/** The breaks that can run on a practice node: the plan of each says so. */
async function runnable(): Promise<readonly string[]> {
  const { breaks } = await loadCatalogue();
  const checked = await onAllStands([...breaks.keys()], async ({ node }, id) => {
    const { code } = await product.kbreak(
      `${lab.inventory}.plans`,
      "plan",
      id,
      "-i",
      lab.inventory,
      "-l",
      node.name,
    );
    return { id, fits: code === 0 };
  });
  return checked.filter(({ fits }) => fits).map(({ id }) => id);
}

describe("kbreak killed without warning", () => {
  it(`undoes to the same node from ${wanted} boundaries of each break`, async () => {
    const began = performance.now();
    const ids = await runnable();
    expect(ids.length).toBeGreaterThanOrEqual(5);
    const counted = await onAllStands(ids, (stand, id) => stand.count(id));
    const next = random(seed);
    const points = counted
      .toSorted(([one], [other]) => (one?.break ?? "").localeCompare(other?.break ?? ""))
      .flatMap((each) =>
        sample(each, wanted === "all" ? each.length : Math.min(Number(wanted), each.length), next),
      );
    const tried = await onAllStands(points, (stand, point) => stand.try(point));
    const wrong = tried.filter(({ complaints }) => complaints.length > 0);
    const killed = tried.filter((one) => one.killed).length;
    process.stdout.write(
      `crash: ${ids.length} breaks, ${counted.flat().length} boundaries, ${tried.length} tried (seed ${seed}), ` +
        `${killed} killed there, ${tried.length - wrong.length} undone to equality, ${wrong.length} residues, ` +
        `${Math.round((performance.now() - began) / 1000)} s\n`,
    );
    expect(wrong.map(nameOf)).toEqual([]);
    expect(killed).toBeGreaterThan(tried.length * 0.8);
  }, 3_600_000);

  it("is found when it logs a change only after making it", async () => {
    const [stand] = stands;
    if (stand === undefined) throw new Error("there is no node");
    const defect = { logAfterActing: true };
    const points = await stand.count("files/immutable", defect);
    // Scripts read facts, read the step, and make the change.
    const acted = points.find(({ verb, name }) => verb === "apply" && name === "script 2: answered");
    if (acted === undefined)
      throw new Error(`no such boundary: ${points.map(({ name }) => name).join(", ")}`);
    const { killed, complaints } = await stand.try(acted, defect);
    expect(killed).toBe(true);
    expect(complaints).toEqual([expect.stringContaining("/etc/kubernetes/manifests/kube-apiserver.yaml")]);
    await stand.node.exec("chattr -i /etc/kubernetes/manifests/kube-apiserver.yaml");
  });
});
