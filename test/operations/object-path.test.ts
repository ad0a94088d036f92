import { describe, expect, it } from "vitest";
import {
  answersOf,
  contains,
  entriesOnTheWay,
  jsonpathOf,
  leavesOf,
  manifestAgain,
  patchOf,
  segmentsOf,
} from "../../src/operations/object-path.ts";

describe("a path of a field", () => {
  it("is a chain of names, quoted where they have dots, and of entries by key", () => {
    expect(segmentsOf("spec.ports[port=80].targetPort")).toEqual([
      { name: "spec" },
      { name: "ports", entry: { key: "port", value: 80 } },
      { name: "targetPort" },
    ]);
    expect(segmentsOf('metadata.labels["app.kubernetes.io/name"]').at(-1)).toEqual({
      name: "app.kubernetes.io/name",
    });
    expect(segmentsOf("spec.containers[name=web].env[name=HOST].value")).toHaveLength(4);
  });

  it.each(["spec..x", "[name=x]", "spec.ports[port=80][name=x]", 'spec["a', "spec x"])(
    "is none: %s",
    (path) => {
      expect(() => segmentsOf(path)).toThrow(SyntaxError);
    },
  );

  it("is written for kubectl", () => {
    expect(jsonpathOf('metadata.labels["app.kubernetes.io/name"]')).toBe(
      "{.metadata.labels.app\\.kubernetes\\.io/name}",
    );
    expect(jsonpathOf("spec.ports[port=80].targetPort")).toBe("{.spec.ports[?(@.port==80)].targetPort}");
    expect(jsonpathOf("spec.containers[name=web].image")).toBe('{.spec.containers[?(@.name=="web")].image}');
  });
});

describe("fields", () => {
  it("of a map are ours one by one, a list and an entry as a whole", () => {
    expect(leavesOf({ path: "spec.selector", value: { app: "x", "a.b/c": { d: 1 } } })).toEqual([
      { path: 'spec.selector["app"]', value: "x" },
      { path: 'spec.selector["a.b/c"]["d"]', value: 1 },
    ]);
    expect(leavesOf({ path: "rules", value: [{ a: 1 }] })).toHaveLength(1);
    expect(leavesOf({ path: "spec.ports[port=80]", value: { targetPort: 1 } })).toHaveLength(1);
  });

  it("become one patch, with entries of one list beside each other", () => {
    expect(
      patchOf([
        { path: "spec.ports[port=80].targetPort", value: 99 },
        { path: "spec.ports[port=81]", value: null },
        { path: "spec.ports[port=82]", value: { targetPort: 1 } },
        { path: "spec.selector.app", value: "x" },
        { path: "spec.selector.tier", value: null },
      ]),
    ).toEqual({
      spec: {
        ports: [
          { port: 80, targetPort: 99 },
          { port: 81, $patch: "delete" },
          { port: 82, targetPort: 1 },
        ],
        selector: { app: "x", tier: null },
      },
    });
  });

  it("of one entry become one entry", () => {
    expect(
      patchOf([
        { path: "spec.ports[port=80].targetPort", value: 99 },
        { path: "spec.ports[port=80].nodePort", value: 30001 },
      ]),
    ).toEqual({ spec: { ports: [{ port: 80, targetPort: 99, nodePort: 30001 }] } });
  });

  it("name the entry on the way that is not there", () => {
    const service = { spec: { ports: [{ port: 80 }] } };
    expect(entriesOnTheWay(segmentsOf("spec.ports[port=81].targetPort"), service)).toEqual([
      "ports with the port 81",
    ]);
    expect(entriesOnTheWay(segmentsOf("spec.ports[port=80].targetPort"), service)).toEqual([]);
    expect(entriesOnTheWay(segmentsOf("spec.ports[port=81]"), service)).toEqual([]);
  });
});

describe("what the API server has", () => {
  it("holds what was wanted, with its defaults beside it", () => {
    expect(contains({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ c: 2 }] })).toBe(true);
    expect(contains({ b: [{ c: 2 }, { c: 4 }] }, { b: [{ c: 2 }] })).toBe(false);
    expect(contains("80", 80)).toBe(false);
    expect(contains(undefined, null)).toBe(true);
    expect(contains({}, { a: null })).toBe(true);
  });

  it("is read of kubectl's answers, one for each expression", () => {
    expect(
      answersOf('[\n    {\n        "app": "web"\n    }\n]\n[]\n[\n    [\n        8080\n    ]\n]\n'),
    ).toEqual([[{ app: "web" }], [], [[8080]]]);
    expect(answersOf("[]\n[]")).toEqual([[], []]);
  });

  it("is made again without what the API server keeps by itself", () => {
    expect(
      manifestAgain({
        kind: "Service",
        metadata: { name: "web", uid: "1", resourceVersion: "2", labels: { a: "b" } },
        spec: { clusterIP: "10.96.0.10" },
        status: {},
      }),
    ).toEqual({
      kind: "Service",
      metadata: { name: "web", labels: { a: "b" } },
      spec: { clusterIP: "10.96.0.10" },
    });
  });
});
