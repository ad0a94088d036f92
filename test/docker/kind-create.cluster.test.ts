import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { messageOf } from "../../src/errors.ts";
import { kindDown, kindStatus, kindUp } from "../../src/lab/kind/lab.ts";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { type Engine, startEngine } from "./engine.ts";
import { makeNodeImage, nodeImage } from "./node-image.ts";
import { kindProgram } from "./programs.ts";

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "a lab that the real kind makes", () => {
  const folder = mkdtempSync(join(tmpdir(), "kbreak-kind-create-"));
  const { PATH, DOCKER_HOST, KBREAK_DATA_DIR } = process.env;
  let engine: Engine | undefined;
  let missing: string | undefined;

  beforeAll(async () => {
    const started = await startEngine({ memory: 4 * 1024 ** 3 });
    if (typeof started === "string") {
      missing = started;
      return;
    }
    engine = started;
    try {
      process.env.PATH = `${await kindProgram()}:${engine.env.PATH}`;
    } catch (error) {
      missing = `kind cannot be built: ${messageOf(error)}`;
      return;
    }
    process.env.DOCKER_HOST = engine.env.DOCKER_HOST;
    process.env.KBREAK_DATA_DIR = folder;
    await makeNodeImage(engine);
  });
  afterAll(async () => {
    await engine?.end();
    rmSync(folder, { recursive: true });
    process.env.PATH = PATH;
    process.env.KBREAK_DATA_DIR = KBREAK_DATA_DIR;
    if (DOCKER_HOST === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = DOCKER_HOST;
  });

  it("is up with its node Ready and enrolled, and is taken down", async ({ skip }) => {
    if (missing !== undefined || engine === undefined) return skip(missing);
    const name = "made";
    const status = await kindUp({ name, count: { controlPlanes: 1, workers: 0 }, image: nodeImage });
    const node = `${name}-control-plane`;
    expect(status).toMatchObject({ state: "running", nodes: [{ name: node, role: "control-plane" }] });
    const kubectl = (...words: readonly string[]) =>
      engine?.docker("exec", node, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", ...words);
    const uid = await kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}");
    const { nodes } = JSON.parse(readFileSync(`${status.inventory}.lock`, "utf8"));
    const [id] = (await engine.docker("inspect", "--format", "{{.Id}}", node)).split("\n");
    expect(nodes[node]).toMatchObject({ containerId: id, clusterUid: uid });
    expect(existsSync(status.kubeconfig ?? "")).toBe(true);
    await kindDown(name);
    expect(await kindStatus(name)).toEqual({ name, state: "absent", nodes: [] });
    expect(await engine.docker("ps", "--all", "--quiet")).toBe("");
  });
});
