import { describe, expect, it } from "vitest";
import { resourcesOf } from "../../../src/fingerprint/cluster/discovery.ts";
import { entriesOfList } from "../../../src/fingerprint/cluster/objects.ts";

const listOf = (...items: readonly unknown[]) => JSON.stringify({ kind: "List", items });

const deployment = {
  metadata: {
    name: "web",
    namespace: "default",
    uid: "1",
    resourceVersion: "7",
    generation: 2,
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: { app: "web", "app.kubernetes.io/part-of": "show" },
    annotations: { "deployment.kubernetes.io/revision": "3", "team.example/owner": "ann" },
    managedFields: [{ manager: "kubectl", time: "now" }],
  },
  spec: { replicas: 2, template: { spec: { containers: [{ name: "web", image: "web:v1", env: [] }] } } },
  status: { readyReplicas: 2, conditions: [{ type: "Available" }] },
};

describe("what is compared of an object", () => {
  it("is its spec and what people set of its metadata, by path", () => {
    expect(entriesOfList("deployments.apps", listOf(deployment))).toEqual({
      'default/web .metadata.annotations["team.example/owner"]': '"ann"',
      "default/web .metadata.labels.app": '"web"',
      'default/web .metadata.labels["app.kubernetes.io/part-of"]': '"show"',
      "default/web .metadata.name": '"web"',
      "default/web .metadata.namespace": '"default"',
      "default/web .spec.replicas": "2",
      "default/web .spec.template.spec.containers[0].env": "[]",
      "default/web .spec.template.spec.containers[0].image": '"web:v1"',
      "default/web .spec.template.spec.containers[0].name": '"web"',
    });
  });

  it("has nothing of a secret but hashes", () => {
    const secret = {
      metadata: { name: "s", annotations: { "kubectl.kubernetes.io/last-applied-configuration": "canary" } },
      data: { password: "Y2FuYXJ5", "tls.key": "canary" },
    };
    const text = JSON.stringify(entriesOfList("secrets", listOf(secret)));
    expect(text).not.toMatch(/canary|Y2FuYXJ5/);
    expect(text).toMatch(/s \.data\.password":"sha256:[0-9a-f]{64}/);
    const other = { ...secret, data: { ...secret.data, password: "YW5vdGhlcg==" } };
    expect(JSON.stringify(entriesOfList("secrets", listOf(other)))).not.toBe(text);
  });

  it("tells a long text by its hash, and a text that looks alike as another", () => {
    const file = (content: string) => listOf({ metadata: { name: "coredns" }, data: { Corefile: content } });
    const of = (content: string) => entriesOfList("configmaps", file(content))["coredns .data.Corefile"];
    expect(of("x".repeat(500))).toMatch(/^sha256:/);
    expect(of("cluster.local")).not.toBe(of("сluster.local"));
  });

  it("leaves out the pods that a controller or a kubelet has made, and no others", () => {
    const pod = (name: string, ownerReferences?: unknown) => ({ metadata: { name, ownerReferences } });
    const pods = listOf(pod("made", [{ kind: "ReplicaSet", controller: true }]), pod("bare"));
    expect(Object.keys(entriesOfList("pods", pods))).toEqual(["bare .metadata.name"]);
  });

  it("copes with an empty list", () => {
    expect(entriesOfList("pods", JSON.stringify({ items: null }))).toEqual({});
  });
});

it("what can be listed is found in all groups, each once and in the preferred version", () => {
  const resource = (name: string, ...verbs: readonly string[]) => ({ resource: name, verbs });
  const core = {
    items: [
      {
        versions: [{ version: "v1", resources: [resource("pods", "list"), resource("bindings", "create")] }],
      },
    ],
  };
  const groups = {
    items: [
      {
        metadata: { name: "autoscaling" },
        versions: [
          { version: "v2", resources: [resource("horizontalpodautoscalers", "list", "get")] },
          {
            version: "v1",
            resources: [resource("horizontalpodautoscalers", "list"), resource("olds", "list")],
          },
        ],
      },
    ],
  };
  expect(resourcesOf([core, groups].map((document) => JSON.stringify(document)))).toEqual([
    { name: "horizontalpodautoscalers.autoscaling", path: "/apis/autoscaling/v2/horizontalpodautoscalers" },
    { name: "olds.autoscaling", path: "/apis/autoscaling/v1/olds" },
    { name: "pods", path: "/api/v1/pods" },
  ]);
});
