import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunEnded, RunRecord } from "../../src/engine/records.ts";
import {
  isOpen,
  newRunId,
  openRun,
  type RunStatus,
  readOpenRuns,
  readRuns,
  runIds,
  runOf,
  runsFolder,
  touchedTargets,
} from "../../src/engine/runs.ts";
import { openLog } from "../../src/engine/undo-log.ts";
import { UndoLogError, UsageError } from "../../src/errors.ts";

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "kbreak-runs-"));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(data, { recursive: true, force: true });
});

const target = (name: string) => ({ name, access: { name }, identity: { machineId: name }, steps: 1 });
const started = (run: string): RunRecord => ({
  type: "run",
  run,
  name: "files/immutable",
  inventory: "/inventory.yaml",
  lab: "lab",
  owner: { user: "root", host: "here", pid: 1 },
  targets: [target("cp1"), target("w1")],
  goals: [],
});
const intent: RunRecord = {
  type: "intent",
  target: "cp1",
  step: 0,
  title: "files/immutable",
  operations: [],
  folders: {},
  expires: { boot: "", uptime: 0 },
};
const applied: RunRecord = { type: "applied", target: "cp1", step: 0, states: [], found: {}, left: {} };
const undo: RunRecord = { type: "undo", targets: ["cp1"], exact: false };
const observed: RunRecord = { type: "observed", target: "cp1", step: 0, state: "fixed" };
const end = (outcome: RunEnded["outcome"]): RunRecord => ({ type: "end", outcome });

function write(id: string, ...records: readonly RunRecord[]): void {
  const log = openLog(join(runsFolder(data), id), { create: true });
  for (const record of [started(id), ...records]) log.append(record);
  log.close();
}

function read(id: string) {
  const log = openRun(data, id, { readOnly: true });
  log.close();
  return runOf(log);
}

describe("the status of a run, wherever it was ended", () => {
  it.each<[string, readonly RunRecord[], RunStatus]>([
    ["before anything was begun", [], "undone"],
    ["after a Ctrl-C before anything was begun", [end("interrupted")], "undone"],
    ["after every target was refused", [end("failed")], "undone"],
    ["between intent and change", [intent], "interrupted"],
    ["between change and end", [intent, applied], "interrupted"],
    ["after it was applied", [intent, applied, end("applied")], "applied"],
    ["when somebody has watched it since", [intent, applied, end("applied"), observed], "applied"],
    ["after a failure that was kept", [intent, end("failed")], "failed"],
    ["after a failure that was undone", [intent, end("undone")], "undone"],
    ["in the middle of an undo", [intent, applied, end("applied"), undo], "undo incomplete"],
    ["after an undo that left something", [intent, applied, undo, end("undo incomplete")], "undo incomplete"],
    ["after an undo", [intent, applied, end("applied"), undo, end("undone")], "undone"],
    ["after a person has closed it", [intent, applied, undo, end("forgotten")], "forgotten"],
    ["after its node came back and it was undone", [intent, end("forgotten"), undo, end("undone")], "undone"],
    [
      "in the middle of a second undo",
      [intent, applied, end("applied"), undo, end("undone"), undo],
      "undo incomplete",
    ],
  ])("%s", (_, records, status) => {
    write("20260301-201500-aaaa", ...records);
    const run = read("20260301-201500-aaaa");
    expect(run.status).toBe(status);
    expect(isOpen(run)).toBe(status !== "undone" && status !== "forgotten");
    expect(readOpenRuns(data).runs).toEqual(isOpen(run) ? [run] : []);
  });

  it("only targets on which something was begun are touched", () => {
    write("20260301-201500-aaaa", intent);
    expect(touchedTargets(read("20260301-201500-aaaa")).map(({ name }) => name)).toEqual(["cp1"]);
  });

  it("a log without its first record is no run", () => {
    const log = openLog(join(runsFolder(data), "x"), { create: true });
    log.append(intent);
    log.close();
    expect(() => runOf(log)).toThrow(UndoLogError);
  });
});

describe("a run is named", () => {
  beforeEach(() => {
    for (const id of ["20260301-201500-aaaa", "20260301-201507-bbbb", "20260302-090000-cccc"]) write(id);
  });

  it.each([
    ["20260301-201507-bbbb", "20260301-201507-bbbb"],
    ["20260302", "20260302-090000-cccc"],
    ["20260301-201500", "20260301-201500-aaaa"],
  ])("%s is %s", (name, id) => {
    expect(read(name).id).toBe(id);
  });

  it.each([
    ["20260301", /2 runs begin with 20260301: 20260301-201500-aaaa, 20260301-201507-bbbb/],
    ["2026", /3 runs begin with 2026/],
    ["202", /there is no run 202/],
    ["", /there is no run/],
    ["20990101", /there is no run 20990101/],
    ["../runs/20260302-090000-cccc", /there is no run/],
  ])("%j is refused, and nothing is guessed", (name, message) => {
    const open = () => read(name);
    expect(open).toThrow(UsageError);
    expect(open).toThrow(message);
  });
});

describe("all runs", () => {
  it("there are none in a folder that nobody has used", () => {
    expect(runIds(join(data, "nowhere"))).toEqual([]);
    expect(readRuns(data)).toEqual({ runs: [], damaged: [] });
  });

  it("come in the order in which they began, also within a second", () => {
    vi.useFakeTimers();
    for (const [id, at] of [
      ["20260301-201500-ffff", "2026-03-01T20:15:00.100Z"],
      ["20260301-201500-0000", "2026-03-01T20:15:00.900Z"],
      ["20260301-201500-8888", "2026-03-01T20:15:00.500Z"],
    ] as const) {
      vi.setSystemTime(new Date(at));
      write(id);
    }
    expect(readRuns(data).runs.map(({ id }) => id)).toEqual([
      "20260301-201500-ffff",
      "20260301-201500-8888",
      "20260301-201500-0000",
    ]);
  });

  it("come in that order also when the clock was set back meanwhile", () => {
    vi.useFakeTimers();
    const began = (id: string, at: string, after: readonly string[]) => {
      vi.setSystemTime(new Date(at));
      const log = openLog(join(runsFolder(data), id), { create: true });
      log.append({ ...started(id), after } as RunRecord);
      log.append(intent);
      log.close();
    };
    began("20260301-201500-aaaa", "2026-03-01T20:15:00Z", []);
    began("20200101-000000-bbbb", "2020-01-01T00:00:00Z", ["20260301-201500-aaaa"]);
    began("20200101-000007-cccc", "2020-01-01T00:00:07Z", ["20260301-201500-aaaa", "20200101-000000-bbbb"]);
    expect(readRuns(data).runs.map(({ id }) => id)).toEqual([
      "20260301-201500-aaaa",
      "20200101-000000-bbbb",
      "20200101-000007-cccc",
    ]);
  });

  it("a damaged one is told, and hides no other", () => {
    write("20260301-201500-aaaa", intent);
    write("20260301-201501-bbbb", intent);
    appendFileSync(join(runsFolder(data), "20260301-201500-aaaa", "log.jsonl"), "{}\n");
    const { runs, damaged } = readRuns(data);
    expect(runs.map(({ id }) => id)).toEqual(["20260301-201501-bbbb"]);
    expect(damaged.map(({ message }) => message)).toEqual([
      expect.stringContaining("20260301-201500-aaaa/log.jsonl:3: the undo log is damaged"),
    ]);
  });

  it("one that was killed while its first record was written is none", () => {
    for (const [id, text] of [
      ["empty", ""],
      ["torn", '{"v":1,"n":0,"at":"2026'],
    ] as const) {
      const folder = join(runsFolder(data), id);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "log.jsonl"), text);
    }
    mkdirSync(join(runsFolder(data), "without-log"));
    expect(readRuns(data)).toEqual({ runs: [], damaged: [] });
  });
});

describe("the open runs", () => {
  const replaced = (id: string, from: string, to: string) => {
    const file = join(runsFolder(data), id, "log.jsonl");
    const text = readFileSync(file, "utf8");
    expect(text).toContain(from);
    writeFileSync(file, text.replace(from, to));
  };

  it("are told without a look into those that are closed", () => {
    write("20260301-201500-aaaa", intent, applied, undo, end("undone"));
    write("20260301-201501-bbbb", intent, applied, end("applied"));
    replaced("20260301-201500-aaaa", '"type":"applied"', '"type":"applies"');
    expect(readRuns(data).damaged).toHaveLength(1);
    const { runs, damaged } = readOpenRuns(data);
    expect(runs.map(({ id }) => id)).toEqual(["20260301-201501-bbbb"]);
    expect(damaged).toEqual([]);
  });

  it("may be one whose closing is damaged", () => {
    write("20260301-201500-aaaa", intent, applied, undo, end("undo incomplete"));
    replaced("20260301-201500-aaaa", '"outcome":"undo incomplete"', '"outcome":"undone"');
    expect(readOpenRuns(data).damaged.map(({ message }) => message)).toEqual([
      expect.stringContaining("20260301-201500-aaaa/log.jsonl:5: the undo log is damaged"),
    ]);
  });
});

describe("a new id", () => {
  it("sorts by time, is a plain file name, and differs within a second", () => {
    const ids = [1_000, 2_000, 61_000, 86_400_000 * 365].map((time) => newRunId(new Date(time)));
    expect(ids.toSorted()).toEqual(ids);
    const now = new Date();
    const many = Array.from({ length: 20 }, () => newRunId(now));
    for (const id of many) expect(id).toMatch(/^\d{8}-\d{6}-[0-9a-f]{4}$/);
    expect(new Set(many).size).toBeGreaterThan(15);
  });
});
