import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const results = process.env.VITEST_RESULTS;

export default defineConfig({
  resolve: { alias: { kbreak: fileURLToPath(new URL("src/sdk.ts", import.meta.url)) } },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/lab-setup.ts"],
    testTimeout: 60_000,
    hookTimeout: 300_000,
    // CI adds up the tiers' counts from these files.
    reporters: results === undefined ? ["default"] : ["default", ["json", { outputFile: results }]],
    // Two cores, and nodes are shared between the files: files run one after the other.
    fileParallelism: false,
  },
});
