import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect } from "vitest";
import { heldBy } from "../../src/engine/plan-step.ts";
import type { FolderTimes, PlannedOperation, Verdict } from "../../src/engine/records.ts";
import { type Frame, runScript, UnknownOutcomeError } from "../../src/engine/script.ts";
import { standaloneScript } from "../../src/engine/standalone.ts";
import {
  applyScript,
  type Change,
  changeOf,
  foldersOf,
  indexed,
  lookOf,
  lookScript,
  restoreScript,
} from "../../src/engine/step-script.ts";
import { isRestored, verdictOf } from "../../src/engine/verdict.ts";
import { fingerprint } from "../../src/fingerprint/fingerprint.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import type { AnyOperation } from "../../src/operations/index.ts";
import { kindOf } from "../../src/operations/index.ts";
import type { State } from "../../src/operations/operation.ts";
import { lines, type Shell, trusted } from "../../src/shell.ts";
import { connect } from "../../src/transport/connect.ts";
import type { Connection } from "../../src/transport/transport.ts";
import { type LabWish, type TestNode, useLab } from "./lab.ts";

/** A node on which operations are tried, over a real ssh connection. */
export interface Bench {
  readonly connection: Connection;
  /** True: it is an emulated machine, on which each script takes more than a second. */
  readonly slow: boolean;
  /** Runs a script as root and gives its output; throws when it fails. */
  run(script: string): Promise<string>;
  /** Runs a body behind the node protocol. */
  frames(body: Shell): Promise<readonly Frame[]>;
  fingerprint(): Promise<Fingerprint>;
  close(): Promise<void>;
}

export async function openBench({ access, identity, provider }: TestNode): Promise<Bench> {
  const login = () => connect(access, { hostKey: identity.hostKey });
  const connection = await login();
  let latest: Fingerprint | undefined;
  return {
    connection,
    slow: provider === "vm",
    async run(script) {
      const outcome = await connection.run(`set -eu\n${script}\n`, { deadline: 60_000 });
      if (outcome.kind === "exited" && outcome.code === 0) return outcome.stdout;
      throw new Error(`${script}\n${JSON.stringify(outcome)}`);
    },
    frames: (body) => runScript(connection, body, { machineId: identity.machineId, deadline: 120_000 }),
    async fingerprint() {
      latest = await fingerprint(connection, latest === undefined ? {} : { since: latest });
      return latest;
    },
    close: () => connection.close(),
  };
}

/** A node of a shared lab for all tests of a file: it is there before their first, and closed after their last. */
export function benchOn(node: string, wish: LabWish = {}): Bench {
  let opened: Bench | undefined;
  beforeAll(async () => {
    opened = await openBench((await useLab(wish)).node(node));
  });
  afterAll(() => opened?.close());
  const bench = () => {
    if (opened === undefined) throw new Error(`${node} is there only while tests run`);
    return opened;
  };
  return {
    get connection() {
      return bench().connection;
    },
    get slow() {
      return bench().slow;
    },
    run: (script) => bench().run(script),
    frames: (body) => bench().frames(body),
    fingerprint: () => bench().fingerprint(),
    close: () => bench().close(),
  };
}

/** What was read of some operations: all that the undo log would hold. */
export interface Prepared {
  readonly operations: readonly PlannedOperation[];
  readonly folders: FolderTimes;
  readonly contents: ReadonlyMap<string, Buffer>;
}

const heldOf =
  ({ contents }: Pick<Prepared, "contents">) =>
  (token: string) =>
    heldBy(token, (sha256) => contents.get(sha256));

/** Reads operations as plan does. */
export async function prepare(bench: Bench, ...specs: readonly AnyOperation[]): Promise<Prepared> {
  const blank = specs.map((spec) => ({
    spec,
    token: randomBytes(9).toString("hex"),
    before: { values: {}, notes: {} },
  }));
  const folders = [...new Set(specs.flatMap((spec) => kindOf(spec).folders(spec)))];
  const frames = await bench.frames(
    lookScript({ operations: indexed(blank, 0), folders, probes: [], content: true }),
  );
  const contents = new Map<string, Buffer>();
  const operations = blank.map((operation, index) => {
    const { state, complaint } = lookOf(frames, index);
    if (state === undefined) throw new Error(`not readable: ${complaint}`);
    const { content, ...notes } = state.notes;
    if (content !== undefined) {
      const bytes = Buffer.from(content, "base64");
      contents.set(createHash("sha256").update(bytes).digest("hex"), bytes);
    }
    return { ...operation, before: { values: state.values, notes } };
  });
  return { operations, folders: foldersOf(frames, "folders"), contents };
}

/** Why the first operation that is refused is, or `undefined`. */
export function refusalOf(prepared: Prepared): string | undefined {
  return prepared.operations
    .map(({ spec, before, token }) => kindOf(spec).refusal(spec, before, heldOf(prepared)(token)))
    .find((reason) => reason !== undefined);
}

/** Why an operation is refused on this node, or `undefined`. */
export async function refusal(bench: Bench, ...specs: readonly AnyOperation[]): Promise<string | undefined> {
  return refusalOf(await prepare(bench, ...specs));
}

export interface Done {
  readonly changes: readonly Change[];
  readonly states: readonly (State | undefined)[];
  readonly complaints: readonly string[];
}

function doneOf(prepared: Prepared, frames: readonly Frame[], name: "apply" | "restore"): Done {
  const looks = prepared.operations.map((_, index) => lookOf(frames, index));
  return {
    changes: prepared.operations.map((_, index) => changeOf(frames, name, index)),
    states: looks.map(({ state }) => state),
    complaints: looks.map(({ complaint }) => complaint),
  };
}

/** The script that makes the change. */
export const applying = (prepared: Prepared): Shell =>
  applyScript(indexed(prepared.operations, 0), Object.keys(prepared.folders), heldOf(prepared));

/** The script that puts everything back, the last first. */
export const restoring = (prepared: Prepared): Shell =>
  restoreScript(indexed(prepared.operations, 0).toReversed(), prepared.folders, heldOf(prepared));

export async function apply(bench: Bench, prepared: Prepared): Promise<Done> {
  return doneOf(prepared, await bench.frames(applying(prepared)), "apply");
}

export async function restore(bench: Bench, prepared: Prepared): Promise<Done> {
  const frames = [...(await bench.frames(restoring(prepared))), ...(await bench.frames(looking(prepared)))];
  return doneOf(prepared, frames, "restore");
}

const looking = (prepared: Prepared): Shell =>
  lookScript({ operations: indexed(prepared.operations, 0), folders: [], probes: [], content: false });

export async function look(bench: Bench, prepared: Prepared): Promise<readonly (State | undefined)[]> {
  const frames = await bench.frames(looking(prepared));
  return prepared.operations.map((_, index) => lookOf(frames, index).state);
}

const asked = (
  prepared: Prepared,
  states: readonly (State | undefined)[],
  question: "inEffect" | "restored" | "remains",
): readonly boolean[] =>
  prepared.operations.map(({ spec, token, before }, index) => {
    const now = states[index];
    if (now === undefined) throw new Error(`${kindOf(spec).title(spec)} could not be read`);
    return kindOf(spec)[question](spec, before, now, heldOf(prepared)(token));
  });

const all = (prepared: Prepared, value: boolean) => prepared.operations.map(() => value);

export function expectInEffect(prepared: Prepared, done: Done): void {
  expect(done.changes).toEqual(prepared.operations.map(() => ({ kind: "done" })));
  expect(asked(prepared, done.states, "inEffect")).toEqual(all(prepared, true));
  expect(asked(prepared, done.states, "restored")).toEqual(all(prepared, false));
}

export function expectRestored(prepared: Prepared, done: Done): void {
  expect(done.changes).toEqual(prepared.operations.map(() => ({ kind: "done" })));
  expectRestoredStates(prepared, done.states);
}

export function expectRestoredStates(prepared: Prepared, states: readonly (State | undefined)[]): void {
  expect(asked(prepared, states, "restored")).toEqual(all(prepared, true));
  expect(asked(prepared, states, "remains")).toEqual(all(prepared, false));
}

/** A script that prints everything that must be as it was, or a function that looks at it. */
export type Evidence = string | (() => Promise<unknown>);

const evidenceOf = (bench: Bench, evidence: Evidence): Promise<unknown> =>
  typeof evidence === "string" ? bench.run(evidence) : evidence();

export interface RoundTrip {
  readonly operations: readonly AnyOperation[];
  readonly evidence: Evidence;
  /** What is looked at while the change is in effect. */
  readonly meanwhile?: () => Promise<void>;
  /**
   * True: it is read again, restored twice, and once more without kbreak. Default: not on a machine, on which one such
   * trip for a kind that only machines have is enough.
   */
  readonly whole?: boolean;
}

/** The script by which a node restores without kbreak. */
const aloneScript = (prepared: Prepared) =>
  standaloneScript({
    place: {},
    operations: prepared.operations,
    folders: Object.entries(prepared.folders).map(([folder, time]) => ({
      folder,
      time,
      expected: undefined,
      always: true,
    })),
    held: heldOf(prepared),
  });

/** The same as a part of a script, whose lock it takes itself. */
export const restoringAlone = (prepared: Prepared): Shell =>
  trusted(`exec 9<&-\n(\n${aloneScript(prepared)})`);

/** Restores as a node does without kbreak, and gives its report. */
export async function restoreAlone(bench: Bench, prepared: Prepared): Promise<string> {
  const outcome = await bench.connection.run(aloneScript(prepared), { deadline: 120_000 });
  if (outcome.kind !== "exited") throw new Error(JSON.stringify(outcome));
  return `${outcome.stdout}${outcome.stderr}exit code ${outcome.code}`;
}

/** Reads, applies, restores, and expects each answer on the way and the same evidence at the end. */
export async function roundTrip(bench: Bench, trip: RoundTrip): Promise<void> {
  const { whole = !bench.slow } = trip;
  const before = await evidenceOf(bench, trip.evidence);
  const prepared = await prepare(bench, ...trip.operations);
  expect(refusalOf(prepared)).toBeUndefined();
  expectInEffect(prepared, await apply(bench, prepared));
  if (whole) expect(asked(prepared, await look(bench, prepared), "inEffect")).toEqual(all(prepared, true));
  await trip.meanwhile?.();
  for (const _time of whole ? ["once", "twice"] : ["once"]) {
    expectRestored(prepared, await restore(bench, prepared));
    expect(await evidenceOf(bench, trip.evidence)).toEqual(before);
  }
  if (!whole) return;
  expectRestoredStates(prepared, await look(bench, prepared));
  expectInEffect(prepared, await apply(bench, prepared));
  const titles = prepared.operations.map(({ spec }) => `restored: ${kindOf(spec).title(spec)}`);
  expect(await restoreAlone(bench, prepared)).toBe([...titles, "exit code 0"].join("\n"));
  expectRestoredStates(prepared, await look(bench, prepared));
  expect(await evidenceOf(bench, trip.evidence)).toEqual(before);
}

/** What undo does when it finds a run whose script was cut off: looks, decides, restores what is to be restored. */
export async function undo(bench: Bench, prepared: Prepared): Promise<readonly Verdict[]> {
  const states = await look(bench, prepared);
  const verdicts = prepared.operations.map((operation, index) =>
    verdictOf(
      { operation, now: states[index], symptom: "quiet", halfDone: true },
      heldOf(prepared)(operation.token),
    ),
  );
  const wanted = indexed(prepared.operations, 0).filter((_, index) =>
    isRestored(verdicts[index] ?? "unknown", false),
  );
  await bench.frames(restoreScript(wanted.toReversed(), prepared.folders, heldOf(prepared)));
  expectRestoredStates(prepared, await look(bench, prepared));
  return verdicts;
}

const countdown = "/run/countdown";

/** Programs by which a script changes something. */
const strikers =
  "mv rm ln cat dd truncate chown chmod touch sync setfattr chattr mkdir rmdir systemctl tc etcdctl sleep kill cp ip iptables ip6tables nft rmmod mkswap swapon swapoff mount umount fallocate env cc gcc tcc".split(
    " ",
  );

/** Makes the whole script die as by a power cut when its n-th changing program is called. */
const mortal = trusted(`
strike() {
  read -r countdown <${countdown}
  echo "$((countdown - 1))" >${countdown}
  [ "$countdown" != 1 ] || kill -KILL 0
}
${strikers.map((name) => `${name}() { strike; command ${name} "$@"; }`).join("\n")}
`);

/** Runs a script that is killed when it calls its n-th changing program. False: it had fewer and came to its end. */
export async function killedAt(bench: Bench, body: Shell, call: number): Promise<boolean> {
  await bench.run(`echo ${call} >${countdown}`);
  try {
    await bench.frames(lines(mortal, body));
    return false;
  } catch (error) {
    if (!(error instanceof UnknownOutcomeError)) throw error;
    return true;
  } finally {
    await bench.run(`rm -f ${countdown}`);
  }
}

/**
 * Kills the change, then its restoration, before each of their programs, and expects the evidence as it was after
 * every undo. Gives how many deaths there were.
 */
export async function everyDeath(bench: Bench, trip: Omit<RoundTrip, "meanwhile">): Promise<number> {
  const before = await evidenceOf(bench, trip.evidence);
  let deaths = 0;
  for (const [what, script] of [
    ["apply", applying],
    ["restore", restoring],
  ] as const) {
    for (let call = 1; ; call += 1) {
      const prepared = await prepare(bench, ...trip.operations);
      if (what === "restore") expectInEffect(prepared, await apply(bench, prepared));
      const killed = await killedAt(bench, script(prepared), call);
      const verdicts = await undo(bench, prepared);
      expect(
        await evidenceOf(bench, trip.evidence),
        `${what} killed at program ${call}, found ${verdicts}`,
      ).toEqual(before);
      if (!killed) break;
      deaths += 1;
    }
  }
  return deaths;
}
