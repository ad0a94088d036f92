import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { standaloneOf } from "../../src/engine/standalone.ts";
import { attempt } from "../../src/lab/command.ts";
import { labSsh } from "../../src/lab/lab.ts";
import { type Bench, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";
import { noKubernetes } from "../support/no-kubernetes.ts";

const kubectl = "kubectl --kubeconfig=/etc/kubernetes/super-admin.conf";

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "API objects", () => {
  let bench: Bench;
  let cp1: TestNode;
  beforeAll(async () => {
    bench = await useBench({ kubernetes: true });
    cp1 = bench.lab.node("cp1");
  }, 300_000);
  afterEach(() => bench.undoAll());
  afterAll(() => bench?.end());

  /** A playbook of operations, written as JSON, which is YAML. */
  const list = (...operations: readonly object[]) =>
    bench.playbook(JSON.stringify({ name: "objects", steps: [{ targets: "cp1", operations }] }));
  const made = async (...operations: readonly object[]) => bench.apply(await list(...operations));
  const ask = (words: string) => on(cp1, `${kubectl} ${words}`);
  /** What people set, of all objects of the kinds that are changed here. */
  const everything = () =>
    ask(
      "get services,configmaps,deployments,nodes -A -o 'jsonpath={range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name} {.metadata.labels} {.metadata.annotations} {.spec} {.data}{\"\\n\"}{end}'",
    );
  const verdicts = (result: Awaited<ReturnType<Bench["undo"]>>) =>
    result.targets[0]?.operations.map(({ verdict, outcome }) => `${verdict}: ${outcome}`);

  const settings = {
    kind: "object",
    manifest: {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings" },
      data: { colour: "green" },
    },
  };
  const selector = {
    kind: "object-fields",
    resource: "service",
    name: "web",
    set: { "spec.selector.app": "wbe" },
  };
  const port = {
    kind: "object-fields",
    resource: "service",
    name: "postgres",
    set: { "spec.ports[port=5432].targetPort": 5433, 'metadata.labels["team.io/name"]': "blue" },
  };
  const dns = { kind: "object-gone", resource: "service", namespace: "kube-system", name: "kube-dns" };
  const tainted = { kind: "taint", node: "w1", key: "node.kubernetes.io/maintenance", effect: "NoSchedule" };
  const leader = { kind: "lease", name: "kube-scheduler", holder: "cp1_0", seconds: 3600 };

  it("of every kind are changed and put back to the same cluster, also by the stand-alone script", async () => {
    const before = await everything();
    const all = [settings, selector, port, dns, tainted, leader];
    const run = await made(...all);
    expect(await ask("get configmap settings -o 'jsonpath={.data.colour}'")).toBe("green");
    expect(await ask("get service postgres -o 'jsonpath={.spec.ports[0].targetPort}'")).toBe("5433");
    expect(await ask("-n kube-system get service kube-dns --ignore-not-found -o name")).toBe("");
    expect((await bench.status(run)).steps).toMatchObject([{ state: "in effect" }]);
    expect(verdicts(await bench.undo(run))).toEqual(all.map(() => "still broken: restored"));
    expect(await everything()).toBe(before);

    const again = await made(...all);
    const script = standaloneOf(bench.log(again), cp1.name, { place: cp1.identity });
    const { code, stdout } = await attempt([...labSsh(bench.lab.name, cp1.name, "root"), "sh -s"], {
      input: script,
    });
    expect([stdout.match(/^restored: /gm)?.length, code]).toEqual([all.length, 0]);
    expect(await everything()).toBe(before);
    expect(verdicts(await bench.undo(again))).toEqual(all.map(() => "fixed exactly: restored"));
  }, 400_000);

  it("carry no mark of kbreak's", async () => {
    await made(settings, selector, tainted);
    const all = await ask("get configmap,service,node --show-managed-fields -o json");
    expect(all).not.toMatch(/kbreak/i);
  }, 200_000);

  it("that a fixer repaired otherwise are kept, and another value than ours is seen as theirs", async () => {
    const run = await made(selector, settings);
    await ask(`patch service web --type merge -p '{"spec":{"selector":{"app":"web","tier":null}}}'`);
    await ask(`patch configmap settings --type merge -p '{"data":{"colour":"red"}}'`);
    expect(verdicts(await bench.undo(run))).toEqual(["fixed exactly: restored", "fixed differently: kept"]);
    expect(verdicts(await bench.undo(run, { exact: true }))?.[1]).toBe("fixed differently: restored");
    expect(await ask("get configmap settings --ignore-not-found -o name")).toBe("");
  }, 200_000);

  it("keep what others changed beside our field", async () => {
    const run = await made(selector);
    await ask(`label service web season=autumn`);
    await bench.undo(run);
    expect(await ask("get service web -o 'jsonpath={.spec.selector.app} {.metadata.labels.season}'")).toBe(
      "web autumn",
    );
    await ask("label service web season-");
  }, 200_000);

  it("that were deleted and made again under another uid get their field back", async () => {
    const run = await made(selector);
    await ask("get service web -o json >/tmp/service.json");
    await ask("delete service web");
    await on(cp1, `${kubectl} create -f /tmp/service.json && rm /tmp/service.json`);
    expect(verdicts(await bench.undo(run))).toEqual(["still broken: restored"]);
    expect(await ask("get service web -o 'jsonpath={.spec.selector.app}'")).toBe("web");
  }, 200_000);

  it("that somebody deleted are made again, when all is to be as it was", async () => {
    const run = await made(port);
    const address = await ask("get service postgres -o 'jsonpath={.spec.clusterIP}'");
    await ask("delete service postgres");
    expect(verdicts(await bench.undo(run))).toEqual(["fixed differently: kept"]);
    expect(verdicts(await bench.undo(run, { exact: true }))).toEqual(["fixed differently: restored"]);
    expect(
      await ask("get service postgres -o 'jsonpath={.spec.clusterIP} {.spec.ports[0].targetPort}'"),
    ).toBe(`${address} 5432`);
  }, 200_000);

  it("come back only after the node's own is back, and the API with it", async () => {
    const run = await bench.apply(
      await bench.playbook(
        JSON.stringify({
          name: "both",
          steps: [
            { targets: "cp1", operations: [selector] },
            {
              targets: "cp1",
              break: "control-plane/manifest-moved",
              params: { component: "kube-apiserver" },
            },
          ],
        }),
      ),
    );
    const told: string[] = [];
    const result = await bench.undo(run, {
      emit: (event) => {
        if (event.type === "task" && event.detail !== undefined) told.push(event.detail);
      },
    });
    expect(result).toMatchObject({ complete: true });
    expect(told.some((detail) => /^waiting for the API server to answer: \d+ s left$/.test(detail))).toBe(
      true,
    );
    expect(await ask("get service web -o 'jsonpath={.spec.selector.app}'")).toBe("web");
  }, 500_000);

  it.each([
    ["no such object", { ...selector, name: "wbe" }, "there is no service default/wbe"],
    ["a value that it has", { ...selector, set: { "spec.selector.app": "web" } }, "is so already"],
    [
      "an entry that is not there",
      { ...port, set: { "spec.ports[port=1].targetPort": 2 } },
      "service default/postgres has no ports with the port 1",
    ],
    [
      "a field that cannot be changed",
      { ...selector, resource: "deployment", set: { "spec.selector.matchLabels.app": "x" } },
      /the API server refuses it: .*immutable/,
    ],
    [
      "a namespace",
      { kind: "object-gone", resource: "ns", name: "default" },
      "kbreak deletes none of its kind",
    ],
    [
      "what is made again by its owner",
      { kind: "object-gone", resource: "pod", namespace: "default", name: "postgres-0" },
      "pod default/postgres-0 belongs to StatefulSet postgres, which makes another one at once",
    ],
    [
      "an object that is there already",
      {
        kind: "object",
        manifest: { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: {} },
      },
      "there is a service default/web already",
    ],
    [
      "a volume whose data undo would delete",
      {
        kind: "object",
        manifest: { apiVersion: "v1", kind: "PersistentVolume", metadata: { name: "data" }, spec: {} },
      },
      "its persistentVolumeReclaimPolicy has to be Retain",
    ],
  ])("are refused at plan: %s", async (_what, operation, why) => {
    const playbook = await list(operation);
    await expect(bench.plan(playbook)).rejects.toThrow(why);
  });

  it("with finalizers are not deleted", async () => {
    await ask(`create configmap held`);
    await ask(`patch configmap held --type merge -p '{"metadata":{"finalizers":["example.com/hold"]}}'`);
    try {
      await expect(
        bench.plan(await list({ kind: "object-gone", resource: "configmap", name: "held" })),
      ).rejects.toThrow("has finalizers (example.com/hold)");
    } finally {
      await ask(`patch configmap held --type merge -p '{"metadata":{"finalizers":null}}'`);
      await ask("delete configmap held");
    }
  }, 100_000);
});
