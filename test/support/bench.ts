import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Break } from "../../src/catalogue/break.ts";
import { loadCatalogue } from "../../src/catalogue/catalogue.ts";
import { type ApplyOptions, type ApplyResult, apply, errorOf } from "../../src/engine/apply.ts";
import type { Context } from "../../src/engine/context.ts";
import { type Plan, plan } from "../../src/engine/plan.ts";
import type { PlannedOperation } from "../../src/engine/records.ts";
import { isOpen, openRun, readRuns, runOf } from "../../src/engine/runs.ts";
import { type RunState, statusOf } from "../../src/engine/status.ts";
import { changeTtl } from "../../src/engine/ttl-run.ts";
import type { UndoLog } from "../../src/engine/undo-log.ts";
import { type UndoResult, undoRun } from "../../src/engine/undo-run.ts";
import { differences } from "../../src/fingerprint/differences.ts";
import { fingerprint } from "../../src/fingerprint/fingerprint.ts";
import type { Difference, Fingerprint } from "../../src/fingerprint/types.ts";
import { readEnrolment } from "../../src/inventory/enrolment.ts";
import { loadInventory } from "../../src/inventory/load.ts";
import type { Ran } from "../../src/lab/command.ts";
import { attempt } from "../../src/lab/command.ts";
import { labSsh } from "../../src/lab/lab.ts";
import { kinds } from "../../src/operations/index.ts";
import { loadPlaybook } from "../../src/playbook/load.ts";
import { playbookOf } from "../../src/playbook/single.ts";
import type { Playbook } from "../../src/playbook/types.ts";
import { connect } from "../../src/transport/connect.ts";
import type { Connect, Connection, NodeAccess } from "../../src/transport/transport.ts";
import { READY } from "./cluster-ready.ts";
import { type LabWish, type TestLab, type TestNode, useLab } from "./lab.ts";

type Surroundings = Partial<Pick<Context, "connect" | "emit" | "signal">>;

export interface ApplyWish extends Surroundings {
  /** A selection of nodes. Default: all that the playbook names. */
  readonly limit?: string;
  readonly options?: Partial<ApplyOptions>;
  /** Called between the plan and its application. */
  readonly meanwhile?: (plan: Plan) => Promise<void>;
}

/** Nodes, and the engine as the command line calls it, with its undo logs in a folder of the test's own. */
export interface Bench {
  readonly lab: TestLab;
  readonly breaks: ReadonlyMap<string, Break>;
  /** A playbook from its text. @throws ConfigError */
  playbook(text: string): Promise<Playbook>;
  /** The playbook of one break, with `name=value` parameters. */
  single(breakId: string, ...params: readonly string[]): Promise<Playbook>;
  /** Plans, and closes the sessions. */
  plan(playbook: Playbook, wish?: ApplyWish): Promise<Plan>;
  /** Plans and applies, whatever comes of it. */
  attempt(playbook: Playbook, wish?: ApplyWish): Promise<Applied>;
  /** Plans and applies; gives the run. @throws the error that `kbreak apply` would end with. */
  apply(playbook: Playbook, wish?: ApplyWish): Promise<string>;
  /** With `texts` also what is in the files that the run has changed. */
  status(run: string, texts?: boolean): Promise<RunState>;
  /** The operations of a run in the order in which they were applied, as its undo log has them. */
  planned(run: string): readonly PlannedOperation[];
  /** The undo log of a run, as it is now. */
  log(run: string): UndoLog;
  /** Sets when the nodes of a run undo it by themselves; without seconds: never. @throws what it failed with. */
  ttl(run: string, seconds?: number): Promise<void>;
  undo(run: string, wish?: Surroundings & { readonly exact?: boolean }): Promise<UndoResult>;
  /** The claims of locks that are there now. */
  locks(): readonly string[];
  /** Puts everything back that a failed test may have left. */
  undoAll(): Promise<void>;
  end(): Promise<void>;
}

export interface Applied {
  readonly plan: Plan;
  readonly result: ApplyResult;
}

/**
 * Call it in `beforeAll` and `end()` in `afterAll`.
 * @param wish A lab that is there already, or what it is to be.
 * @param way How the engine connects where a test does not say it. Default: as the command line does.
 */
export async function useBench(
  wish: LabWish | { readonly lab: TestLab } = {},
  way: Connect = connect,
): Promise<Bench> {
  const lab = "lab" in wish ? wish.lab : await useLab(wish);
  // Another test may have broken the cluster.
  if ("kubernetes" in wish && wish.kubernetes) await ready(lab);
  const folder = mkdtempSync(join(tmpdir(), "kbreak-bench-"));
  const { breaks } = await loadCatalogue();
  const inventory = await loadInventory(lab.inventory);
  const enrolment = await readEnrolment(inventory);
  const context = (surroundings: Surroundings = {}): Context => ({
    dataFolder: folder,
    connect: way,
    emit: () => {},
    logger: { info: () => {}, warn: () => {} },
    signal: new AbortController().signal,
    forks: 4,
    ...surroundings,
  });
  const planned = (playbook: Playbook, { limit, options }: ApplyWish, surroundings: Context) =>
    plan(
      {
        ...{ playbook, inventory, enrolment, breaks, lasting: options?.ttl !== undefined },
        ...(limit === undefined ? {} : { limit }),
      },
      surroundings,
    );
  const close = ({ targets }: Plan) => Promise.all(targets.map(({ session }) => session.close()));
  const tried = async (playbook: Playbook, wanted: ApplyWish = {}): Promise<Applied> => {
    const surroundings = context(surroundingsOf(wanted));
    const made = await planned(playbook, wanted, surroundings);
    try {
      await wanted.meanwhile?.(made);
      const options = { verify: true, keep: false, ...wanted.options };
      return { plan: made, result: await apply(made, options, surroundings) };
    } finally {
      await close(made);
    }
  };
  const undo: Bench["undo"] = (run, { exact = false, ...surroundings } = {}) =>
    undoRun(run, { exact, access: async () => (target) => target.access }, context(surroundings));
  const log = (run: string) => {
    const opened = openRun(folder, run, { readOnly: true });
    opened.close();
    return opened;
  };
  return {
    lab,
    breaks,
    async playbook(text) {
      const file = join(folder, "playbook.yaml");
      writeFileSync(file, text);
      return loadPlaybook(file, { breaks, operations: kinds });
    },
    single: (breakId, ...params) => playbookOf(breakId, params, breaks),
    async plan(playbook, wanted = {}) {
      const made = await planned(playbook, wanted, context(surroundingsOf(wanted)));
      await close(made);
      return made;
    },
    attempt: tried,
    async apply(playbook, wanted) {
      const { plan: made, result } = await tried(playbook, wanted);
      const error = errorOf(made, result);
      if (error !== undefined) throw error;
      return result.run;
    },
    status(run, texts = false) {
      const opened = log(run);
      return statusOf(runOf(opened), opened, ({ access }) => access, context(), texts);
    },
    log,
    planned(run) {
      return log(run).records.flatMap((record) => (record.type === "intent" ? record.operations : []));
    },
    async ttl(run, seconds) {
      const access = async () => (target: { readonly access: NodeAccess }) => target.access;
      const results = await changeTtl(run, seconds, { access }, context());
      for (const { error } of results) if (error !== undefined) throw error;
    },
    undo,
    locks: () => readdirSync(join(folder, "locks")),
    async undoAll() {
      const open = readRuns(folder).runs.filter(isOpen).toReversed();
      for (const { id } of open) await undo(id, { exact: true });
    },
    async end() {
      await lab.down();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function surroundingsOf({ connect: way, emit, signal }: Surroundings): Surroundings {
  return {
    ...(way === undefined ? {} : { connect: way }),
    ...(emit === undefined ? {} : { emit }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** A connection of the test's own. */
export function connectTo(node: TestNode): Promise<Connection> {
  return connect(node.access, { hostKey: node.identity.hostKey });
}

/** Where the test run keeps its last look at a node, for the next test file that shares it. */
const lastLookOf = ({ identity }: TestNode) =>
  join(process.env.KBREAK_DATA_DIR ?? tmpdir(), `look-${identity.machineId}.json`);

/**
 * A look at the whole node, over a connection of its own. After the test run's first one, what nobody wrote to since the
 * one before is not read again.
 */
export async function look(node: TestNode): Promise<Fingerprint> {
  const file = lastLookOf(node);
  const connection = await connectTo(node);
  try {
    const since = existsSync(file) ? { since: JSON.parse(readFileSync(file, "utf8")) } : {};
    // An emulated machine that shares its core with others needs minutes to hash everything.
    const seen = await fingerprint(connection, { deadline: 300_000, ...since });
    writeFileSync(file, JSON.stringify(seen));
    return seen;
  } finally {
    await connection.close();
  }
}

/**
 * Limits of the kernel that nodes share, which whoever starts a lab beside this test may raise: the full matrix of
 * disasters goes on for an hour, and then one difference on every node at once is no run's.
 */
const ofTheHost = /^(fs\.inotify\.max_user_instances|user\.max_inotify_instances)$/;

/** What is not as it was. */
export async function changesSince(node: TestNode, before: Fingerprint): Promise<readonly Difference[]> {
  return differences(before, await look(node)).filter(
    ({ section, key }) => section !== "sysctls" || !ofTheHost.test(key),
  );
}

/** Waits until a cluster is well. */
export async function ready(lab: TestLab): Promise<void> {
  await on(lab.node("cp1"), READY);
}

/**
 * Runs commands one after the other in one login shell, as a fixer would type them; ends at the first that fails. Their
 * kubectl keeps nothing in root's home, so that whatever is found there is kbreak's.
 */
export function asFixer(lab: TestLab, node: TestNode, commands: readonly string[]): Promise<Ran> {
  const input = commands.map((command) => `${command}\n`).join("");
  return attempt([...labSsh(lab.name, node.name), "KUBECACHEDIR=/dev/null bash -l -e"], { input });
}

/** Runs a script of the test's on a node and gives its output. @throws when it fails. */
export async function on(node: TestNode, script: string): Promise<string> {
  const { code, stdout, stderr } = await node.run(script);
  if (code === 0) return stdout;
  throw new Error(`${node.name}: ${script}: exit code ${code}: ${stderr || stdout}`);
}
