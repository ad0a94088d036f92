import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { importKubeadm } from "../../src/inventory/import-kubeadm.ts";
import { cachedPrograms } from "../../src/lab/kubernetes/programs.ts";
import { labStatus } from "../../src/lab/lab.ts";
import { type Bench, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";

const missing = cachedPrograms() === undefined ? " (skipped: see test/lab/kubernetes/README.md)" : "";

describe.skipIf(missing !== "")(`on a real cluster${missing}`, () => {
  let bench: Bench;
  let cp1: TestNode;
  const cluster = () => labStatus(bench.lab.name).kubernetes ?? { page: "", kubeconfig: "" };
  const kubectl = (words: string) => on(cp1, `kubectl --kubeconfig /etc/kubernetes/admin.conf ${words}`);

  beforeAll(async () => {
    bench = await useBench({ kubernetes: true });
    cp1 = bench.lab.node("cp1");
  }, 600_000);
  afterAll(() => bench?.end());

  it("the inventory of its nodes is imported by its kubeconfig", async () => {
    expect(parse(await importKubeadm({ kubeconfig: cluster().kubeconfig }))).toMatchObject({
      nodes: {
        cp1: { host: "10.77.0.11", roles: ["control-plane"] },
        w1: { host: "10.77.0.101", roles: ["worker"] },
      },
    });
  });

  it("a goal of every kind is met, not met while the workload is scaled to nothing, and met again", async () => {
    const run = await bench.apply(
      await bench.playbook(`
name: goal
goal:
  - { name: seen from here, http: "${cluster().page}", contains: v1 }
  - { name: seen from a node, on: cp1, http: "http://{w1}:30000/", contains: v1 }
  - { name: available, kubectl: { wait: deployment/web, for: condition=Available } }
  - { name: running, kubectl: { wait: pods, selector: app=web, for: "jsonpath={.status.phase}=Running" } }
  - { name: replicas, kubectl: { get: deployment/web, jsonpath: "{.status.readyReplicas}" }, contains: "2" }
  - { name: healthy, on: cp1, run: kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz }
steps:
  - { targets: w1, operations: [{ kind: file, path: /etc/motd, content: hello }] }
`),
    );
    const goals = async () => (await bench.status(run)).goals;
    const unmet = async () => (await goals()).filter(({ met }) => !met).map(({ name }) => name);
    const patience = { timeout: 60_000, interval: 500 };
    expect(await unmet()).toEqual([]);

    await kubectl("scale deployment/web --replicas 0");
    const fallen = ["seen from here", "seen from a node", "running", "replicas"];
    await expect.poll(unmet, patience).toEqual(expect.arrayContaining(fallen));
    for (const { name, detail } of await goals())
      if (fallen.includes(name)) expect(detail, name).toMatch(/refused|empty reply|reset|not|no /i);

    await kubectl("scale deployment/web --replicas 2");
    await expect.poll(unmet, patience).toEqual([]);
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
  });
});
