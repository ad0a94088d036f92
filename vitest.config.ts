import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

/** `slow`: the tests that take longer than a person waits, in files of their own. */
const slow = process.env.KBREAK_TESTS === "slow";
const results = process.env.VITEST_RESULTS;

export default defineConfig({
  resolve: { alias: { kbreak: fileURLToPath(new URL("src/sdk.ts", import.meta.url)) } },
  test: {
    include: [slow ? "test/**/*.slow.test.ts" : "test/**/*.test.ts"],
    exclude: slow ? configDefaults.exclude : [...configDefaults.exclude, "test/**/*.slow.test.ts"],
    globalSetup: ["test/support/lab-setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    // CI adds up the tiers' counts from these files.
    reporters: results === undefined ? ["default"] : ["default", ["json", { outputFile: results }]],
    // Much of a test is waiting for a node; more than three on two cores would fail those that measure time.
    maxWorkers: 3,
  },
});
