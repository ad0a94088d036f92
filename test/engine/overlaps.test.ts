import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { areEntangled, sharedObjects } from "../../src/engine/overlaps.ts";
import { PreconditionError } from "../../src/errors.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import { type Bench, changesSince, look, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";

describe("an object of the API that two nodes would change", () => {
  const spec = { kind: "object-fields", resource: "service", name: "web", set: { "spec.selector.app": "x" } };
  const on = (name: string, cluster: string, ...specs: readonly { readonly kind: string }[]) => ({
    node: { name, cluster },
    steps: [
      { operations: specs.map((one) => ({ spec: one, token: "", before: { values: {}, notes: {} } })) },
    ],
  });

  it("is refused in one cluster, and is two objects in two", () => {
    expect(
      sharedObjects([on("cp1", "one", spec), on("cp2", "one", spec)]).map(({ message }) => message),
    ).toEqual([expect.stringMatching(/^cp1 and cp2 would both change service default\/web /)]);
    expect(sharedObjects([on("cp1", "one", spec), on("cp1b", "two", spec)])).toEqual([]);
  });

  it("is none where each node has the same of its own", () => {
    const sysctl = { kind: "sysctl", name: "net.ipv4.ip_forward", value: "0" };
    expect(sharedObjects([on("cp1", "one", sysctl), on("cp2", "one", sysctl)])).toEqual([]);
  });
});

describe("two things are entangled", () => {
  it.each([
    ["file:/etc/hosts", "file:/etc/hosts"],
    ["unit:kubelet.service", "unit:kubelet.service"],
    ["flags:/etc/hosts", "file:/etc/hosts"],
    ["mode:/etc/hosts", "file:/etc/hosts"],
    ["mode:/etc/hosts", "flags:/etc/hosts"],
    ["file:/etc/kubernetes", "file:/etc/kubernetes/pki/ca.crt"],
    ["file:/etc/kubernetes", "mode:/etc/kubernetes/admin.conf"],
    ["flags:/etc/kubernetes", "file:/etc/kubernetes/admin.conf"],
  ])("%s and %s", (one, other) => {
    expect([areEntangled(one, other), areEntangled(other, one)]).toEqual([true, true]);
  });

  it.each([
    ["file:/etc/hosts", "file:/etc/hosts.bak"],
    ["file:/etc/hosts", "unit:/etc/hosts"],
    ["mode:/etc/kubernetes", "file:/etc/kubernetes/admin.conf"],
    ["flags:/etc/kubernetes", "mode:/etc/kubernetes/admin.conf"],
    ["flags:/etc/kubernetes", "file:/etc/kubernetes/pki/ca.crt"],
    ["unit:a.service", "unit:b.service"],
    ["clock", "qdisc:eth0"],
  ])("but not %s and %s", (one, other) => {
    expect([areEntangled(one, other), areEntangled(other, one)]).toEqual([false, false]);
  });
});

describe("runs of one data folder", () => {
  let bench: Bench;
  let cp1: TestNode;
  let before: Fingerprint;
  const path = "/etc/kubernetes/scheduler.conf";

  beforeAll(async () => {
    bench = await useBench({ nodes: "1+1" });
    cp1 = bench.lab.node("cp1");
    before = await look(cp1);
  });
  afterEach(() => bench.undoAll());
  afterAll(() => bench?.end());

  const inline = (name: string, operation: string, target = "cp1") =>
    bench.playbook(
      `name: ${name}\ndescription: ${name}.\nsteps:\n  - name: ${name}\n    targets: ${target}\n    operations:\n      - ${operation}\n`,
    );
  const comment = (name: string, target?: string) =>
    inline(
      name,
      `{ kind: file, path: ${path}, replace: [{ find: "kind: Config", with: "kind: Config # ${name}" }] }`,
      target,
    );
  const messageOf = async (attempt: Promise<unknown>) => {
    const error: unknown = await attempt.then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(PreconditionError);
    const { message, hint } = error as PreconditionError;
    return `${message} (${hint})`;
  };

  it("do not change the same thing twice: the plan names run, break and thing, and nothing is touched", async () => {
    const older = await bench.apply(await comment("one"));
    const broken = await look(cp1);
    expect(await messageOf(bench.plan(await comment("two")))).toBe(
      `cp1: one of the open run ${older} (one) and two both change ${path} (undo that run first: kbreak undo ${older})`,
    );
    expect(await changesSince(cp1, broken)).toEqual([]);
    // Another node's file of that name is another thing, and so is another aspect of this one.
    await bench.plan(await inline("elsewhere", "{ kind: file, path: /root/x, content: x }", "w1"));
    await bench.plan(await inline("flags", `{ kind: attributes, path: ${path}, add: i }`));
    await bench.undo(older);
    expect((await bench.plan(await comment("two"))).targets).toHaveLength(1);
    expect(await changesSince(cp1, before)).toEqual([]);
  });

  it("may change again what a fixer has put back, although that run is open", async () => {
    const older = await bench.apply(await inline("flags", `{ kind: attributes, path: ${path}, add: i }`));
    await on(cp1, `chattr -i ${path}`);
    const newer = await bench.apply(await inline("again", `{ kind: attributes, path: ${path}, add: i }`));
    expect(await messageOf(bench.undo(older))).toBe(
      `cp1: again of the newer run ${newer} (again) stands on what run ${older} has changed: ${path} (undo the newer one first: kbreak undo ${newer}, then kbreak undo ${older}; kbreak undo --all keeps the order)`,
    );
    expect(await bench.undo(newer)).toMatchObject({ complete: true });
    expect(await bench.undo(older)).toMatchObject({ complete: true });
    expect(await changesSince(cp1, before)).toEqual([]);
  });

  it("are undone in order where they are entangled, and in any order where they are not", async () => {
    const file = await bench.apply(await comment("one"));
    const flags = await bench.apply(await inline("flags", `{ kind: attributes, path: ${path}, add: i }`));
    const other = await bench.apply(await inline("other", "{ kind: file, path: /root/note, content: x }"));
    expect(await messageOf(bench.undo(file))).toContain(`kbreak undo ${flags}, then kbreak undo ${file}`);
    expect(await on(cp1, `grep -c '# one' ${path}; lsattr -d ${path}`)).toMatch(/^1\n\S*i/);
    for (const run of [flags, file, other]) expect(await bench.undo(run)).toMatchObject({ complete: true });
    expect(await changesSince(cp1, before)).toEqual([]);
  });
});
