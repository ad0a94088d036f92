import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { performanceDocument } from "../../bench/report.ts";
import type { Results } from "../../bench/results.ts";

it("docs/performance.md says what bench/results.json holds, and nothing else", () => {
  const results: Results = JSON.parse(readFileSync("bench/results.json", "utf8"));
  const remarks = readFileSync("bench/remarks.md", "utf8");
  expect(readFileSync("docs/performance.md", "utf8")).toBe(performanceDocument(results, remarks));
});
