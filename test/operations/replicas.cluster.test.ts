import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { asFixer, type Bench, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";
import { noKubernetes } from "../support/no-kubernetes.ts";

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "the replicas of a Deployment", () => {
  let bench: Bench;
  let cp1: TestNode;
  beforeAll(async () => {
    bench = await useBench({ kubernetes: true });
    cp1 = bench.lab.node("cp1");
  });
  afterEach(() => bench.undoAll());
  afterAll(() => bench?.end());

  const clean = "kubectl --kubeconfig=/etc/kubernetes/super-admin.conf";
  const wanted = () => on(cp1, `${clean} get deployment web -o 'jsonpath={.spec.replicas}'`);
  const scaled = (replicas: number, deployment = "web") =>
    bench.playbook(
      `name: scaled\nsteps:\n  - targets: cp1\n    operations: [{kind: replicas, deployment: ${deployment}, replicas: ${replicas}}]\n`,
    );

  it("are taken back by undo, however often a kubeconfig's helper has changed them", async () => {
    const run = await bench.apply(
      await bench.single("access/kubeconfig-exec-helper", "deployment=default/web"),
    );
    expect(await wanted()).toBe("0");
    await on(cp1, `${clean} scale deployment web --replicas=2`);
    const looking = ["kubectl --kubeconfig=/etc/kubernetes/admin.conf get nodes"];
    expect((await asFixer(bench.lab, cp1, looking)).code).toBe(0);
    await expect.poll(wanted, { timeout: 30_000 }).toBe("0");
    expect((await bench.status(run)).steps).toMatchObject([{ state: "in effect", symptom: "seen" }]);

    // The payload of this one may still be at work when undo begins.
    await asFixer(bench.lab, cp1, [`${clean} scale deployment web --replicas=2`, ...looking]);
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    expect(await wanted()).toBe("2");
    await on(cp1, `${clean} rollout status deployment web --timeout 120s`);
  });

  it("that a fixer scaled back are fixed exactly, and another number is the fixer's", async () => {
    const run = await bench.apply(await scaled(0));
    await on(cp1, `${clean} scale deployment web --replicas=3`);
    expect((await bench.undo(run)).targets[0]?.operations).toMatchObject([
      { verdict: "fixed differently", outcome: "kept" },
    ]);
    await on(cp1, `${clean} scale deployment web --replicas=2`);
    expect((await bench.undo(run)).targets[0]?.operations).toMatchObject([
      { verdict: "fixed exactly", outcome: "restored" },
    ]);
    await on(cp1, `${clean} rollout status deployment web --timeout 120s`);
  });

  it("are refused for a Deployment that is not there, is so already, or has an autoscaler", async () => {
    await expect(scaled(0, "nobody").then((playbook) => bench.plan(playbook))).rejects.toThrow(
      "there is no deployment default/nobody",
    );
    await expect(scaled(2).then((playbook) => bench.plan(playbook))).rejects.toThrow(
      "the deployment default/web has 2 replicas already",
    );
    await on(cp1, `${clean} autoscale deployment web --name busy --min 1 --max 3`);
    try {
      await expect(scaled(0).then((playbook) => bench.plan(playbook))).rejects.toThrow(
        "an autoscaler scales the deployment default/web: busy",
      );
    } finally {
      await on(cp1, `${clean} delete hpa busy`);
    }
  });
});
