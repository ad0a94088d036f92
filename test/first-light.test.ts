import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PreconditionError } from "../src/errors.ts";
import { differences } from "../src/fingerprint/differences.ts";
import type { Difference, Fingerprint } from "../src/fingerprint/types.ts";
import type { Playbook } from "../src/playbook/types.ts";
import { asFixer, type Bench, look, on, useBench } from "./support/bench.ts";
import type { TestNode } from "./support/lab.ts";

const text = readFileSync("playbooks/first-light.yaml", "utf8");
/** What only some kernels have: left out by name where this one does not. */
const mayBeSkipped = new Set(["network/latency"]);

let bench: Bench;
let playbook: Playbook;
let cp1: TestNode;
let before: ReadonlyMap<string, Fingerprint>;

const etcdctl =
  "etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key";

async function looks(): Promise<ReadonlyMap<string, Fingerprint>> {
  const seen = await Promise.all(bench.lab.nodes.map(async (node) => [node.name, await look(node)] as const));
  return new Map(seen);
}

async function changes(): Promise<readonly Difference[]> {
  const now = await looks();
  return [...before].flatMap(([name, was]): readonly Difference[] => differences(was, now.get(name) ?? was));
}

beforeAll(async () => {
  bench = await useBench({ nodes: "1+1" });
  playbook = await bench.playbook(text);
  cp1 = bench.lab.node("cp1");
  before = await looks();
});

afterAll(() => bench?.end());

describe("first-light on real nodes", () => {
  let run: string;

  it("is planned without a trace: each step is in the plan, or left out with its reason", async () => {
    const { targets, unreachable } = await bench.plan(playbook);
    expect(unreachable).toEqual([]);
    const skipped = targets.flatMap((target) => target.skipped);
    for (const { title, reason } of skipped) {
      expect(mayBeSkipped).toContain(title);
      expect(reason).toMatch(/the kernel has no (netem|htb) queueing discipline/);
    }
    const control = targets.find(({ node }) => node.name === "cp1");
    expect([...(control?.steps ?? []), ...(control?.skipped ?? [])].map(({ index }) => index).sort()).toEqual(
      playbook.steps.map((_, index) => index),
    );
    expect(await changes()).toEqual([]);
  });

  it("is applied, and every symptom is seen", async () => {
    run = await bench.apply(playbook);
    const { steps, status } = await bench.status(run);
    expect(status).toBe("applied");
    const expected = playbook.steps.map(({ name }) => name).filter((name) => !mayBeSkipped.has(name));
    expect(steps.map(({ title }) => title)).toEqual(expect.arrayContaining(expected));
    for (const step of steps) expect(step).toMatchObject({ state: "in effect", symptom: "seen" });
  });

  // What a person meets, by other means than the breaks' own probes.
  it.each([
    ["files/immutable", "echo >> /etc/kubernetes/manifests/kube-apiserver.yaml", /not permitted/],
    [
      "files/unicode-doppelganger",
      "kubectl --kubeconfig=/etc/kubernetes/scheduler.conf config view --minify",
      /cannot locate context system:kube-schedul[^e]r@kubernetes/,
    ],
    [
      "access/kubeconfig-exec-helper",
      "kubectl --kubeconfig=/etc/kubernetes/admin.conf config view --minify | grep -q client-certificate-data",
      /^$/,
    ],
    [
      "persistence/rogue-systemd-unit",
      // In place, as a rename would move the folder's time, which is the fixer's then.
      `f=/etc/kubernetes/manifests/kube-scheduler.yaml; sound=$(sed s/=truee/=true/ $f); printf '%s\\n' "$sound" > $f
for _ in $(seq 50); do if grep -q =truee $f; then exit 1; fi; sleep 0.1; done`,
      /^$/,
    ],
    ["etcd/quota-fill", `${etcdctl} put /somebody x`, /database space exceeded/],
  ])("%s is what a fixer meets", async (_id, command, message) => {
    const { code, stderr } = await asFixer(bench.lab, cp1, [command]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
  });

  it("the goal is not met while it is broken", async () => {
    const { goals } = await bench.status(run);
    expect(goals.map(({ name, target, met }) => [name, target, met])).toEqual(
      playbook.goal.map(({ name }) => [name, "cp1", false]),
    );
    for (const { detail } of goals) expect(detail).not.toBe("");
  });

  it("is undone without a trace on any node, and the goal is met again", async () => {
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    expect(await changes()).toEqual([]);
    const { goals, steps, status } = await bench.status(run);
    expect(status).toBe("undone");
    expect(goals.map(({ met }) => met)).toEqual(playbook.goal.map(() => true));
    for (const step of steps) expect(step).toMatchObject({ state: "undone", symptom: "quiet" });
  });

  it("is applied and undone a second time just as well", async () => {
    const again = await bench.apply(playbook);
    expect(await bench.undo(again)).toMatchObject({ complete: true, kept: 0 });
    expect(await changes()).toEqual([]);
  });
});

describe("a goal that is not met before anything is broken", () => {
  it.each([
    ["its command fails", "run: echo out of order; exit 3", /out of order/],
    ["its words are not printed", "run: echo v1\n    contains: v2", /"v2" was not printed/],
    ["its command is no shell", "run: 'if ('", /syntax error/i],
  ])("refuses the playbook and touches nothing: %s", async (_what, goal, detail) => {
    const sick = await bench.playbook(`
name: sick
goal:
  - name: the service answers
    on: control-plane
    ${goal}
steps:
  - break: files/immutable
`);
    const refusal = bench.apply(sick);
    await expect(refusal).rejects.toThrow(PreconditionError);
    await expect(refusal).rejects.toThrow(/cp1: the goal "the service answers" is not met before/);
    await expect(refusal).rejects.toThrow(detail);
    expect(await changes()).toEqual([]);
  });

  it("is asked as a fixer's goal would be: on the node, as root", async () => {
    expect((await on(cp1, "id -u")).trim()).toBe("0");
    const healthy = await bench.playbook(`
name: healthy
goal:
  - name: root on the node
    on: cp1
    run: echo "$(id -u)@$(hostname)"
    contains: "0@cp1"
steps:
  - break: files/immutable
`);
    const run = await bench.apply(healthy);
    expect(await bench.undo(run)).toMatchObject({ complete: true });
  });
});
