import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Product, useProduct } from "../support/product.ts";

let product: Product;
const dataFolder = mkdtempSync(join(tmpdir(), "kbreak-lab-down-"));
const kbreak = (...words: readonly string[]) => product.kbreak(dataFolder, ...words);

beforeAll(async () => {
  product = await useProduct();
});

afterAll(async () => {
  await kbreak("lab", "down");
  product?.remove();
  rmSync(dataFolder, { recursive: true, force: true });
});

it("a run on practice nodes ends with them: nothing is left that could be undone", async () => {
  expect(await kbreak("lab", "up", "--nodes", "1")).toMatchObject({ code: 0 });
  expect(await kbreak("apply", "files/immutable", "--yes")).toMatchObject({ code: 0 });
  expect((await kbreak()).stdout).toContain("Broken now");
  expect(await kbreak("lab", "down")).toMatchObject({ code: 0 });
  expect((await kbreak()).stdout).toContain("Nothing is broken");
  expect(JSON.parse((await kbreak("runs", "list", "-o", "json")).stdout)).toMatchObject([{ status: "gone" }]);
  expect(await kbreak("undo")).toMatchObject({ code: 0 });
});
