import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Break } from "../../src/catalogue/break.ts";
import { loadCatalogue } from "../../src/catalogue/catalogue.ts";
import { errorOf } from "../../src/engine/apply.ts";
import { PreconditionError } from "../../src/errors.ts";
import { differences } from "../../src/fingerprint/differences.ts";
import type { Difference, Fingerprint } from "../../src/fingerprint/types.ts";
import { kindOf } from "../../src/operations/index.ts";
import type { Playbook } from "../../src/playbook/types.ts";
import { renderPlan } from "../../src/render/plan.ts";
import { quote } from "../../src/shell.ts";
import { asFixer, type Bench, on } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";
import { type Ground, namespaceNodes } from "./grounds.ts";

const { breaks } = await loadCatalogue();

/** Why a break may be refused on a node that shares its kernel with this machine; it works on one with its own. */
const kernelRefusals: ReadonlyMap<string, RegExp> = new Map([
  ...["etcd/slow-peer", "network/latency", "network/loss", "network/bandwidth"].map(
    (id) => [id, /the kernel has no \w+ queueing discipline/] as const,
  ),
  ["etcd/io-starved", /the kernel has no io controller for control groups of version 2 here/],
  ...[...breaks.values()]
    .filter(({ needs }) => needs?.kernel === "own")
    .map(({ id }) => [id, /it reaches the whole kernel, and \w+ shares its kernel with others/] as const),
]);

/** Why a break may be refused where no Kubernetes runs. */
const clusterRefusals: ReadonlyMap<string, RegExp> = new Map([
  ["network/firewall-drop", /its symptom cannot be told on this node: nothing answers on port 10250/],
  ["network/port-squatter", /there is no unit kubelet\.service/],
  ["systemd/paths-hidden", /none of the files of kubelet\.service has a section/],
  ["systemd/process-frozen", /kubelet\.service does not run/],
  ["systemd/unit-stopped", /there is no unit kubelet\.service/],
  ...[...breaks.values()]
    .filter(({ needs }) => needs?.units?.includes("kubelet.service"))
    .map(({ id }) => [id, /kubelet\.service does not run on \w+/] as const),
]);

/** Why a break of the API's objects may be refused where no Kubernetes runs. */
const apiRefusals: ReadonlyMap<string, RegExp> = new Map(
  [...breaks.values()]
    .filter(({ needs }) => needs?.target === "cluster")
    .map(({ id }) => [id, /no API server answers the administrator on \w+/] as const),
);

/** Why a break may be refused on the lab's cluster: its network add-on is the plainest there is. */
const labRefusals: ReadonlyMap<string, RegExp> = new Map([
  ["services/network-policy", /no API server answers|nothing in this cluster enforces NetworkPolicies/],
]);

/** Why a break may be refused on a namespace node. All others have to work there. */
const refusals: ReadonlyMap<string, RegExp> = new Map([
  ...kernelRefusals,
  ...clusterRefusals,
  ...apiRefusals,
  ...labRefusals,
]);

/** The breaks that not every kernel can have, and that only a machine with one of its own is sure to have. */
export const kernelBreaks: readonly string[] = [...kernelRefusals.keys()];

/**
 * The breaks of which only a real Kubernetes has what they break. But its nodes have the control groups of this machine, of
 * which systemd may not be able to freeze any: namespace nodes show that with another service.
 */
export const clusterBreaks: readonly string[] = [...clusterRefusals.keys()].filter(
  (id) => id !== "systemd/process-frozen",
);

/** The breaks of the API's objects. */
export const apiBreaks: readonly string[] = [...apiRefusals.keys()];

/** All breaks. */
export const everyBreak: readonly string[] = [...breaks.keys()];

/** About half of them: those of files and of what reads them. */
export const breaksOfFiles: readonly string[] = everyBreak.filter((id) =>
  /^(files|persistence|tools)\//.test(id),
);

export interface ProofWish {
  readonly ground: Ground;
  /**
   * Ids, with a node or parameters where the usual ones are not meant: `network/firewall-drop@cp1 port=6443`. Where the
   * commands of the break are for its defaults only, so is what is shown of them.
   */
  readonly breaks: readonly string[];
}

/**
 * Defines the tests that put breaks through the proof: quiet, planned, in effect, seen, found, undone to an equal node,
 * fixed as a fixer would, and that fix kept.
 */
export function prove({ ground, breaks: titles }: ProofWish): void {
  const proven: string[] = [];
  const refused: string[] = [];
  /** Looks at nodes that are the same since. */
  const current = new Map<string, Fingerprint>();
  let bench: Bench;

  beforeAll(async () => {
    bench = await ground.open();
  }, 900_000);

  afterAll(async () => {
    console.log(
      [
        `${titles.length} breaks: ${proven.length} proven on ${ground.name}, ${refused.length} refused`,
        ...refused.map((why) => `  refused here, and still to be proven on ${why}`),
      ].join("\n"),
    );
    await bench?.end();
  });

  function nodeFor(found: Break): TestNode {
    const roles = found.needs?.roles;
    const nodes = bench.lab.nodes.filter(({ role }) => roles === undefined || roles.includes(role));
    const node = ground.workersFirst ? nodes.at(-1) : nodes[0];
    if (node === undefined) throw new Error(`the lab has no node for ${found.id}`);
    return node;
  }

  /** The refusal, where the break is one that may be. */
  async function refusalOf(id: string, playbook: Playbook, limit: string): Promise<Error | undefined> {
    try {
      await bench.plan(playbook, { limit });
      return undefined;
    } catch (error) {
      if (error instanceof PreconditionError && refusals.get(id)?.test(error.message)) return error;
      throw error;
    }
  }

  const told = (found: readonly Difference[]) =>
    found.map(({ section, key, kind, before, after }) => `${section} ${key} ${kind} ${before} -> ${after}`);

  const time = /\d{4}-\d\d-\d\dT[\d:.]+Z/;

  /** A file or folder that differs in nothing but its modification time. */
  const onlyTime = ({ section, before, after }: Difference) =>
    section.endsWith("files") && before?.replace(time, "") === after?.replace(time, "");

  /** All that a fixer can make of a path, one line each: type, mode, owner, time, where it leads, flags, content. */
  async function statesOf(at: TestNode, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (paths.length === 0) return new Map();
    const scripts = paths.map(quote).map(
      (path) => `{ stat -c '%F %a %u:%g %y %N' -- ${path}; lsattr -d -- ${path}; sha256sum <${path}; } 2>&1 |
        tr '\\n' ' '; echo`,
    );
    const states = (await on(at, `{\n${scripts.join("\n")}\n}`)).split("\n");
    return new Map(paths.map((path, index) => [path, states[index] ?? ""]));
  }

  /** Paths, and the folders that they are in. */
  const aroundOf = (paths: readonly string[]) => [...new Set(paths.flatMap((path) => [path, dirname(path)]))];

  /** The paths that a change owns. */
  const pathsOf = (owns: readonly string[]) =>
    owns.flatMap((thing) => (thing.includes(":/") ? [thing.slice(thing.indexOf(":") + 1)] : []));

  describe.each(titles)("%s", (title) => {
    const [place = "", ...parameters] = title.split(" ");
    const [id = "", nodeName] = place.split("@");
    const found = breaks.get(id);
    if (found === undefined) throw new Error(`there is no break ${id}`);
    let node: TestNode;
    let playbook: Playbook;
    let before: Fingerprint;
    let want: Error | undefined;
    /** `undefined`: they are for other parameters. */
    let commands: Pick<Break, "find" | "fix"> | undefined;
    const only = () => ({ limit: node.name });
    const changes = async () => told(await ground.changes(bench, node, before));
    /** The run's only step is so, at the latest when a repaired symptom must have gone. */
    async function becomes(run: string, step: object): Promise<void> {
      for (const end = Date.now() + ground.patience; ; await sleep(1000)) {
        const { steps } = await bench.status(run);
        if (Date.now() < end && steps.some(({ symptom }) => symptom !== "quiet")) continue;
        expect(steps).toMatchObject([step]);
        return;
      }
    }

    beforeAll(async () => {
      node = nodeName === undefined ? nodeFor(found) : bench.lab.node(nodeName);
      playbook = await bench.single(id, ...parameters);
      const [step] = playbook.steps;
      if (parameters.length === 0) commands = found;
      else if (step !== undefined && "params" in step) commands = found.commands(step.params);
      before = current.get(node.name) ?? (await ground.look(bench, node));
      current.delete(node.name);
      const mayRefuse = ground.name === namespaceNodes.name || labRefusals.has(id);
      want = mayRefuse ? await refusalOf(id, playbook, node.name) : undefined;
    });

    // A failure here must not become one of the next break.
    afterEach(() => bench.undoAll());

    it("is applied, seen, found and undone without a trace; or refused by name where the kernel lacks something", async () => {
      if (want !== undefined) {
        const elsewhere = labRefusals.has(id)
          ? "a cluster that can have it"
          : kernelRefusals.has(id)
            ? "machines"
            : "a cluster";
        refused.push(`${elsewhere}: ${id}: ${want.message}`);
        await expect(bench.apply(playbook, only())).rejects.toThrow(refusals.get(id));
        expect(want.message).toContain(`${node.name}: ${id}: `);
        expect(await changes()).toEqual([]);
        return;
      }
      let was: ReadonlyMap<string, string> = new Map();
      const { plan, result } = await bench.attempt(playbook, {
        ...only(),
        async meanwhile({ targets }) {
          if (!ground.slow) return;
          const specs = targets.flatMap(({ steps }) => steps.flatMap(({ operations }) => operations));
          was = await statesOf(node, aroundOf(specs.flatMap(({ spec }) => pathsOf(kindOf(spec).owns(spec)))));
        },
      });
      expect(errorOf(plan, result)).toBeUndefined();
      const { run } = result;
      const steps = plan.targets.flatMap((target) => target.steps);
      expect(steps.map(({ title }) => title)).toEqual([id]);
      const shown = renderPlan(plan, true);
      for (const { line } of steps.flatMap(({ previews }) => previews)) expect(shown).toContain(line);
      const all = steps.flatMap(({ operations }) => operations);

      expect((await bench.status(run)).steps).toMatchObject([
        { target: node.name, title: id, state: "in effect", symptom: "seen" },
      ]);
      if (!ground.slow)
        await expect(bench.plan(playbook, only()), "broken twice").rejects.toThrow(PreconditionError);
      if (commands !== undefined) {
        const finding = await asFixer(bench.lab, node, commands.find);
        expect(finding.code, finding.stderr).toBe(0);
        expect(finding.stdout.trim(), "what finds it prints something").not.toBe("");
      }
      if (!ground.slow)
        expect(differences(before, await ground.look(bench, node)), "another than before").not.toEqual([]);

      const undone = await bench.undo(run);
      expect(undone).toMatchObject({ complete: true, kept: 0 });
      expect(undone.targets[0]?.operations.map(({ outcome }) => outcome)).toEqual(all.map(() => "restored"));
      await becomes(run, { state: "undone", symptom: "quiet" });
      // There the whole node is looked at when it was repaired, which comes next.
      if (ground.slow && commands !== undefined) {
        expect(await statesOf(node, [...was.keys()])).toEqual(was);
        proven.push(id);
        return;
      }
      expect(await changes()).toEqual([]);

      const again = await bench.undo(run);
      expect(again).toMatchObject({ complete: true, kept: 0 });
      expect(again.targets[0]?.operations.map(({ verdict }) => verdict)).toEqual(
        all.map(() => "fixed exactly"),
      );
      proven.push(id);
    });

    it("can be fixed by its own commands, and undo keeps what the fixer left", async () => {
      if (want !== undefined || commands === undefined) return;
      const run = await bench.apply(playbook, only());
      const fixing = await asFixer(bench.lab, node, commands.fix);
      expect(fixing.code, fixing.stderr).toBe(0);
      await becomes(run, { symptom: "quiet" });
      const pathsAt = bench.planned(run).map(({ spec }) => pathsOf(kindOf(spec).owns(spec)));
      const afterFix = await statesOf(node, pathsAt.flat());

      const undone = await bench.undo(run);
      expect(undone.complete, JSON.stringify(undone)).toBe(true);
      const operations = undone.targets[0]?.operations ?? [];
      expect(operations.map(({ verdict }) => verdict)).toContainEqual(expect.stringMatching(/^fixed/));
      await becomes(run, { symptom: "quiet" });

      // What the fixer has repaired, in whatever way, is not touched again.
      const afterUndo = await statesOf(node, pathsAt.flat());
      for (const path of pathsAt.filter((_, index) => operations[index]?.verdict.startsWith("fixed")).flat())
        expect(afterUndo.get(path), path).toBe(afterFix.get(path));

      // Then the node is put back; times of what the fixer wrote are the fixer's.
      expect(await bench.undo(run, { exact: true })).toMatchObject({ complete: true, kept: 0 });
      const left = await ground.changes(bench, node, before, onlyTime);
      expect(told(left.filter((difference) => !onlyTime(difference)))).toEqual([]);
      for (const { key, before: was = "" } of left)
        await on(node, `touch -h -d '${time.exec(was)?.[0]}' -- '${key}'`);
      current.set(node.name, before);
    });
  });
}
