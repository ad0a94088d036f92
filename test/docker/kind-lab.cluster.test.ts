import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { KbreakError, PreconditionError, UsageError } from "../../src/errors.ts";
import { run } from "../../src/lab/command.ts";
import { isKindLab, kindDown, kindShell, kindStatus, kindUp } from "../../src/lab/kind/lab.ts";
import { type Kind, useKind } from "./kind.ts";
import { cluster, startKindNodes } from "./nodes.ts";

describe("a lab of kind's nodes, by the real kind and a real Docker,", () => {
  const folder = mkdtempSync(join(tmpdir(), "kbreak-kind-up-"));
  const lab = join(folder, "lab", cluster);
  let kind: Kind;
  let missing: string | undefined;

  beforeAll(async () => {
    const started = await useKind(folder);
    if (typeof started === "string") {
      missing = started;
      return;
    }
    kind = started;
    await startKindNodes(kind.engine);
  });
  beforeEach(({ skip }) => skip(missing !== undefined, missing));
  afterAll(() => kind?.end());

  /** As `lab up` leaves it when kind has made the cluster. */
  function adopt(): void {
    mkdirSync(lab, { recursive: true });
    const record = { version: 1, count: { controlPlanes: 1, workers: 1 }, made: true };
    writeFileSync(join(lab, "kind.json"), JSON.stringify(record));
  }

  it("says what kind said where it fails, leaves no containers, and is taken down", async () => {
    // Its image is not to be had here.
    const failed = kindUp({ name: "other", count: { controlPlanes: 1, workers: 0 } });
    await expect(failed).rejects.toThrow(KbreakError);
    await expect(failed).rejects.toThrow(/kind create cluster --name other .*\n?.*failed to pull image/s);
    expect(await run(["kind", "get", "clusters"])).not.toMatch(/other/);
    expect(await kindStatus("other")).toMatchObject({ state: "stopped", nodes: [] });
    await kindDown("other");
    expect(isKindLab("other")).toBe(false);
  });

  it("does not take over a cluster that it has not made", async () => {
    const refusal = kindUp({ name: cluster });
    await expect(refusal).rejects.toThrow(PreconditionError);
    await expect(refusal).rejects.toThrow(`there is a kind cluster ${cluster} that kbreak has not made`);
  });

  it("shows its nodes and gives a shell on them, and keeps its size", async () => {
    adopt();
    const [control, worker] = [`${cluster}-control-plane`, `${cluster}-worker`];
    expect(await kindStatus(cluster)).toMatchObject({
      state: "running",
      kubeconfig: join(lab, "kubeconfig"),
      nodes: [
        { name: control, role: "control-plane", provider: "kind", state: "running" },
        { name: worker, role: "worker", provider: "kind", state: "running" },
      ],
    });
    expect(await run(await kindShell(cluster, worker, ["echo", "$(hostname)"], false))).toBe(`${worker}\n`);
    await expect(kindShell(cluster, "w1", [], false)).rejects.toThrow(UsageError);
    await kind.engine.docker("kill", worker);
    expect(await kindStatus(cluster)).toMatchObject({ state: "partial", nodes: [{}, { state: "stopped" }] });
    await expect(kindUp({ name: cluster, count: { controlPlanes: 1, workers: 2 } })).rejects.toThrow(
      `lab ${cluster} has 1+1 nodes, and a kind cluster keeps its size`,
    );
  });

  it("is removed with all its containers", async () => {
    adopt();
    await kindDown(cluster);
    expect(existsSync(lab)).toBe(false);
    expect(await kind.engine.docker("ps", "--all", "--quiet")).toBe("");
    expect(await kindStatus(cluster)).toEqual({ name: cluster, state: "absent", nodes: [] });
  });
});
