import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { PreconditionError } from "../../src/errors.ts";
import { isKindLab, kindConfig, kindDown, kindStatus, kindUp } from "../../src/lab/kind/lab.ts";

const { PATH, KBREAK_DATA_DIR } = process.env;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kbreak-kind-"));
  process.env.KBREAK_DATA_DIR = folder;
  process.env.PATH = folder;
});
afterEach(() => {
  process.env.PATH = PATH;
  process.env.KBREAK_DATA_DIR = KBREAK_DATA_DIR;
  rmSync(folder, { recursive: true });
});

async function refusalOf(work: Promise<unknown>): Promise<PreconditionError> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (error instanceof PreconditionError) return error;
  throw new Error(`no refusal: ${error}`);
}

describe("a lab of kind's nodes", () => {
  it("is refused without Docker and kind, with what is missing and the commands that bring it", async () => {
    const { message, hint } = await refusalOf(kindUp({ name: "show" }));
    expect(message).toMatch(/docker: the program is not installed/);
    expect(message).toMatch(/kind: the program is not installed/);
    expect(hint).toMatch(/^apt-get install .*docker\.io$/m);
    expect(hint).toMatch(/^curl -Lo \/usr\/local\/bin\/kind https:.*chmod \+x/m);
    expect(isKindLab("show")).toBe(false);
    expect(await kindStatus("show")).toEqual({ name: "show", state: "absent", nodes: [] });
    await kindDown("show");
  });

  it("is refused where a lab of other nodes has its name", async () => {
    mkdirSync(join(folder, "lab/show"), { recursive: true });
    const lab = { version: 1, count: { controlPlanes: 1, workers: 0 }, ports: {} };
    writeFileSync(join(folder, "lab/show/lab.json"), JSON.stringify(lab));
    expect((await refusalOf(kindUp({ name: "show" }))).message).toBe(
      "lab show is there already, of nodes of another kind",
    );
  });

  it("is asked of kind in its own words", () => {
    expect(parse(kindConfig({ controlPlanes: 2, workers: 1 }))).toEqual({
      kind: "Cluster",
      apiVersion: "kind.x-k8s.io/v1alpha4",
      nodes: [{ role: "control-plane" }, { role: "control-plane" }, { role: "worker" }],
    });
  });
});
