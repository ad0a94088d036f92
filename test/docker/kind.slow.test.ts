import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { enrol } from "../../src/cli/enrol.ts";
import { ConnectError, EnrolmentError, PreconditionError, UsageError } from "../../src/errors.ts";
import { importKind } from "../../src/inventory/import-kind.ts";
import { loadInventory } from "../../src/inventory/load.ts";
import { connect } from "../../src/transport/connect.ts";
import { type Bench, changesSince, look, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";
import { type Engine, startEngine } from "./engine.ts";
import { cluster, kindLab, replaceNode, startKindNodes } from "./nodes.ts";

describe("containers of a real Docker, as kind makes them,", () => {
  const folder = mkdtempSync(join(tmpdir(), "kbreak-kind-lab-"));
  const { PATH, DOCKER_HOST } = process.env;
  let engine: Engine;
  let missing: string | undefined;
  let bench: Bench;
  let control: TestNode;
  let worker: TestNode;

  beforeAll(async () => {
    const started = await startEngine();
    if (typeof started === "string") {
      missing = started;
      return;
    }
    engine = started;
    Object.assign(process.env, engine.env);
    await startKindNodes(engine);
    bench = await useBench({ lab: await kindLab(engine, folder) });
    control = bench.lab.node(`${cluster}-control-plane`);
    worker = bench.lab.node(`${cluster}-worker`);
  });
  beforeEach(({ skip }) => skip(missing !== undefined, missing));
  afterAll(async () => {
    await bench?.end();
    await engine?.end();
    rmSync(folder, { recursive: true });
    process.env.PATH = PATH;
    if (DOCKER_HOST === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = DOCKER_HOST;
  });

  describe("inventory import kind", () => {
    it("finds the nodes and their roles, and no load balancer", async () => {
      expect(parse(await importKind(cluster, "my-lab"))).toEqual({
        name: "my-lab",
        defaults: { command: "docker exec -i {name} sh -s" },
        nodes: {
          [control.name]: { roles: ["control-plane"] },
          [worker.name]: { roles: ["worker"] },
        },
        clusters: { [cluster]: { nodes: [control.name, worker.name] } },
      });
    });

    it("names the clusters that are there", async () => {
      await expect(importKind("shaw")).rejects.toThrow(UsageError);
      await expect(importKind("shaw")).rejects.toThrow(/kind cluster `shaw`, did you mean `show`\?/);
    });

    it("names nodes that are stopped, and says how they are started", async () => {
      await engine.docker("stop", "--time", "0", `${cluster}-external-load-balancer`);
      const refusal = importKind(cluster);
      await expect(refusal).rejects.toThrow(PreconditionError);
      await expect(refusal).rejects.toThrow(/^not running: show-external-load-balancer$/);
      await engine.docker("start", `${cluster}-external-load-balancer`);
    });

    it("says so when Docker does not answer", async () => {
      process.env.DOCKER_HOST = `unix://${folder}/none.sock`;
      await expect(importKind(cluster)).rejects.toThrow(ConnectError);
      process.env.DOCKER_HOST = engine.env.DOCKER_HOST;
    });
  });

  describe("the command transport", () => {
    const open = () => connect(worker.access, { hostKey: undefined });

    it("passes on exit codes, output and a long script", async () => {
      const connection = await open();
      const long = `: ${"x".repeat(200_000)}\nprintf out; printf err >&2; exit 7\n`;
      expect(await connection.run(`{ ${long} }\n`, { deadline: 20_000 })).toEqual({
        kind: "exited",
        code: 7,
        stdout: "out",
        stderr: "err",
      });
      await connection.close();
    });

    it("knows that it does not know what became of a script whose container was killed", async () => {
      const connection = await open();
      const outcome = connection.run("{ echo begun; sleep 60; echo done; }\n", { deadline: 30_000 });
      await expect
        .poll(async () => (await worker.exec("ps -C sleep -o args=")).stdout, { timeout: 10_000 })
        .toContain("sleep 60");
      await worker.powerCut();
      expect(await outcome).not.toMatchObject({ code: 0 });
      await connection.close();
      await expect(open()).rejects.toThrow(ConnectError);
      await worker.start();
    });
  });

  const breaks = [
    "files/immutable",
    "files/unicode-doppelganger",
    "access/kubeconfig-exec-helper",
    "persistence/rogue-systemd-unit",
    "etcd/quota-fill",
  ];

  it("are broken, seen to be, and undone without a trace", async () => {
    const before = await look(control);
    const steps = breaks.map((id) => `  - break: ${id}`).join("\n");
    const run = await bench.apply(await bench.playbook(`name: kind\nsteps:\n${steps}\n`));
    const { steps: states } = await bench.status(run);
    expect(states.map(({ title }) => title).toSorted()).toEqual(breaks.toSorted());
    for (const step of states) expect(step).toMatchObject({ state: "in effect", symptom: "seen" });
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    expect(await changesSince(control, before)).toEqual([]);
  });

  /** What Docker and the container's own command write at each start. */
  const ofStart = new Set(["/etc/hostname", "/etc/hosts", "/etc/machine-id", "/etc/resolv.conf"]);

  const restart = async () => {
    await control.powerCut();
    await control.start();
  };

  it("are the same after a restart by the container's id, though their machine-id is another; what was broken is undone", async () => {
    // Some units are up only since the second start.
    await restart();
    const before = await look(control);
    const machineId = await on(control, "cat /etc/machine-id");
    const run = await bench.apply(
      await bench.playbook(
        "name: kind\nsteps: [{break: files/immutable}, {break: persistence/rogue-systemd-unit}]",
      ),
    );
    await restart();
    expect(await on(control, "cat /etc/machine-id")).not.toBe(machineId);
    const { steps } = await bench.status(run);
    for (const step of steps) expect(step).toMatchObject({ state: "in effect", symptom: "seen" });
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    const changed = await changesSince(control, before);
    expect(new Set(changed.map(({ key }) => key))).toEqual(ofStart);
  });

  it("are refused what reaches the whole kernel", async () => {
    const refusal = bench.plan(await bench.single("kernel/conntrack-full"), { limit: worker.name });
    await expect(refusal).rejects.toThrow(/shares its kernel with others/);
  });

  it("are enrolled by the container's id: another one of the same name is refused", async () => {
    const lock = JSON.parse(readFileSync(`${bench.lab.inventory}.lock`, "utf8"));
    expect(lock.nodes[worker.name].containerId).toMatch(/^[0-9a-f]{64}$/);
    const playbook = await bench.single("files/immutable", "path=/etc/kubernetes/kubelet.conf");
    const inventory = await loadInventory(bench.lab.inventory);
    await enrol(inventory, inventory.nodes, { yes: false, replace: [] });

    await replaceNode(engine, worker.name);
    const refusal = bench.apply(playbook, { limit: worker.name });
    await expect(refusal).rejects.toThrow(EnrolmentError);
    await expect(refusal).rejects.toThrow(/is another container than the one that was enrolled/);
    const again = enrol(inventory, inventory.nodes, { yes: false, replace: [] });
    await expect(again).rejects.toThrow(/is not the container that was enrolled: it was removed/);
  });
});
