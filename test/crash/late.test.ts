import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { changesSince, connectTo, look } from "../support/bench.ts";
import { type TestLab, useLab } from "../support/lab.ts";
import { type Product, startNode, useProduct } from "../support/product.ts";

let product: Product;
let lab: TestLab;
const dataFolder = mkdtempSync(join(tmpdir(), "kbreak-late-"));

beforeAll(async () => {
  [product, lab] = await Promise.all([useProduct(), useLab({ nodes: "1+0", fresh: true })]);
});

afterAll(async () => {
  await lab?.down();
  product?.remove();
  rmSync(dataFolder, { recursive: true, force: true });
});

it("a change that arrives after its undo, having been stuck in the network, is not made", async () => {
  const node = lab.node("cp1");
  const before = await look(node);
  const late = join(dataFolder, "late");
  const task = {
    product: product.folder,
    dataFolder,
    inventory: lab.inventory,
    target: "cp1",
    subject: "files/immutable",
    late,
  };
  const { signal } = await startNode([resolve("test/crash/driver.js"), JSON.stringify(task)]).ended;
  expect(signal).toBe("SIGKILL");
  expect(await product.kbreak(dataFolder, "undo")).toMatchObject({ code: 0 });
  const connection = await connectTo(node);
  try {
    const outcome = await connection.run(readFileSync(late, "utf8"), { deadline: 10_000 });
    expect(outcome.stdout).toContain(" late");
  } finally {
    await connection.close();
  }
  expect(await changesSince(node, before)).toEqual([]);
});
