import { expect, it } from "vitest";
import { goalsOf } from "../../bench/goals.ts";
import { performanceDocument } from "../../bench/report.ts";
import type { Results, WorkSize } from "../../bench/results.ts";
import { measured } from "../../bench/statistics.ts";

const size = (nodes: number, kbreak: number, loop: number, ansible: number): WorkSize => {
  const seconds = {
    kbreak: measured([kbreak, kbreak]),
    "kbreak without proof": measured([kbreak, kbreak]),
    Ansible: measured([ansible, ansible]),
    "OpenSSH loop": measured([loop, loop]),
    floor: measured([loop, loop]),
  };
  return { nodes, seconds, processor: seconds };
};

const results = (more: Partial<Results>): Results => ({
  version: 1,
  command: "npm run bench",
  date: "2026-11-28T12:00:00.000Z",
  seconds: 600,
  rounds: 2,
  machine: {
    processor: "a processor",
    processors: 2,
    memory: 24,
    system: "Debian",
    kernel: "6.1",
    load: { before: 0.1, after: 2 },
    versions: { kbreak: "0.1.0", node: "20", ansible: "2.14", openssh: "9.2" },
  },
  ...more,
});

const verdicts = (found: Results) => goalsOf(found).map(({ met }) => met);

it("goals that were not measured are neither met nor missed", () => {
  expect(verdicts(results({}))).toEqual([undefined, undefined, undefined, undefined, undefined, undefined]);
});

it("goals are met or missed by what was measured", () => {
  const start = { "node -e 0": measured([0.1, 0.1]) };
  const wide = (memory: number) => ({
    sizes: [{ endpoints: 200, forks: 50, seconds: measured([1]), memory: measured([memory]) }],
    forks: [],
  });
  const trips = (step: number) => ({
    distances: [],
    trips: [
      { operations: 1, step: 2, apply: 3, undo: 3 },
      { operations: 50, step, apply: 3, undo: 3 },
    ],
  });
  const good = results({
    work: { sizes: [size(1, 2, 1, 20), size(20, 3, 4, 60)] },
    wide: wide(190),
    start: { ...start, "kbreak --help": measured([0.19, 0.2]) },
    distance: trips(2),
  });
  expect(verdicts(good)).toEqual([true, true, true, true, true, true]);
  const bad = results({
    work: { sizes: [size(1, 1, 2, 20), size(20, 5, 4, 40)] },
    // Mebibytes: more than two hundred million bytes.
    wide: wide(191),
    start: { ...start, "kbreak --help": measured([0.25, 0.26]) },
    distance: trips(3),
  });
  expect(verdicts(bad)).toEqual([false, false, false, false, false, false]);
  expect(performanceDocument(bad)).toContain(
    "| start: kbreak --help | at most 2 times node -e 0 | 2.50 times",
  );
});

it("the document has the parts that were measured, ratios before seconds, and says where the machine stopped", () => {
  const text = performanceDocument(
    results({ work: { sizes: [size(1, 2, 1, 20)], stopped: "50 nodes: no memory" } }),
    "A remark.\n",
  );
  expect(text).toContain("| 1 | 2.00 (2.00–2.00) | 10.0 (10.0–10.0) |");
  expect(text.indexOf("kbreak / loop")).toBeLessThan(text.indexOf("In seconds:"));
  expect(text).toContain("This machine stopped at 50 nodes: no memory");
  expect(text).toContain("\n\nA remark.\n\n");
  expect(text).not.toContain("## Recovery");
});
