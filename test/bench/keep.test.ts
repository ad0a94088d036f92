import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { withKept } from "../../bench/keep.ts";
import type { Results } from "../../bench/results.ts";
import { measured } from "../../bench/statistics.ts";

const { start: _start, ...read }: Results = JSON.parse(readFileSync("bench/results.json", "utf8"));
const { work: _work, distance: _distance, wide: _wide, log: _log, recovery: _recovery, ...base } = read;
const { kept: _kept, missing: _missing, ...bare } = base;

const start = { "node -e 0": measured([1, 1]) };
const work = { sizes: [] };
const recovery = { nodes: 4, breaks: [], skipped: [] };
const run = (command: string, sections: Partial<Results>): Results => ({ ...bare, command, ...sections });

it("keeps what an earlier run has and this one was not asked for, with its command", () => {
  const first = run("first", { start, work });
  const second = withKept(run("second", { recovery }), first, ["recovery"]);
  expect(second).toMatchObject({ command: "second", start, work, recovery });
  expect(second.kept?.map((part) => [part.command, part.sections])).toEqual([["first", ["start", "work"]]]);
  const third = withKept(run("third", { work }), second, ["work"]);
  expect(third.kept?.map((part) => [part.command, part.sections])).toEqual([
    ["second", ["recovery"]],
    ["first", ["start"]],
  ]);
});

it("keeps nothing for what it has tried itself, whether that was measured or not", () => {
  const first = run("first", { start, work });
  expect(withKept(run("second", { missing: ["work: it failed"] }), first, ["work"])).toEqual({
    ...run("second", { start, missing: ["work: it failed"] }),
    kept: [expect.objectContaining({ command: "first", sections: ["start"] })],
  });
  expect(withKept(run("second", { start, work }), first, ["start", "work"]).kept).toBeUndefined();
});

it("keeps nothing of another machine, of other versions, or of another number of rounds", () => {
  const { machine } = bare;
  const others: readonly Partial<Results>[] = [
    { rounds: bare.rounds + 1 },
    { machine: { ...machine, processors: machine.processors + 1 } },
    { machine: { ...machine, versions: { ...machine.versions, openssh: "1" } } },
  ];
  const now = run("second", { recovery });
  for (const other of others)
    expect(withKept(now, run("first", { work, ...other }), ["recovery"])).toEqual(now);
  const busier = { machine: { ...machine, load: { before: 9, after: 9 } } };
  expect(withKept(now, run("first", { work, ...busier }), ["recovery"])).toMatchObject({ work });
});
