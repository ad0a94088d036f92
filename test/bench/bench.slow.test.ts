import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { Results } from "../../bench/results.ts";
import { attempt } from "../../src/lab/command.ts";
import { cgroupRoot } from "../../src/lab/host/cgroup.ts";
import { type Product, useProduct } from "../support/product.ts";

// Everything is done by processes that are started anew each time.
vi.setConfig({ testTimeout: 300_000 });

let product: Product;
let output: string;

beforeAll(async () => {
  product = await useProduct();
  output = mkdtempSync(join(tmpdir(), "kb-test-"));
});
afterAll(() => {
  product?.remove();
  rmSync(output, { recursive: true, force: true });
});

const command = (...words: readonly string[]) => [join(product.folder, "bench/main.js"), ...words];

/** What a process of the bench has left. */
const leftOf = (pid: number) => [
  ...readdirSync(process.env.KBREAK_DATA_DIR ?? "").filter((name) => name === `bench-${pid}`),
  ...readdirSync(cgroupRoot() ?? "").filter((name) => name === `kb-endpoints-${pid}`),
];

it("measures what it is told to, writes what it has printed, and takes everything away", async () => {
  const words = command(
    "--sections",
    "start,wide",
    "--endpoints",
    "2,3",
    "--rounds",
    "1",
    "--output",
    output,
  );
  const { code, stdout, stderr } = await attempt([process.execPath, ...words]);
  expect(code, stderr).toBe(0);
  const results: Results = JSON.parse(readFileSync(join(output, "bench/results.json"), "utf8"));
  expect(Object.keys(results.start ?? {})).toHaveLength(4);
  expect(results.wide?.sizes.map(({ endpoints }) => endpoints)).toEqual([2, 3]);
  expect(results.work).toBeUndefined();
  const text = readFileSync(join(output, "docs/performance.md"), "utf8");
  expect(stdout.startsWith(text)).toBe(true);
  expect(stdout).toMatch(/\| start: kbreak --help \|.*\| (met|missed) \|/);
  expect(readdirSync(process.env.KBREAK_DATA_DIR ?? "").filter((name) => name.startsWith("bench-"))).toEqual(
    [],
  );
});

it("takes everything away when it is interrupted", async () => {
  const words = command("--sections", "wide", "--endpoints", "3", "--rounds", "5");
  const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (/ {2}3 endpoints/.test(said)) child.kill("SIGINT");
  });
  const [code] = await once(child, "close");
  expect(code, said).toBe(130);
  expect(leftOf(child.pid ?? 0)).toEqual([]);
});
