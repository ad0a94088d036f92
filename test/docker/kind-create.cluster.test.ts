import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kindDown, kindStatus, kindUp } from "../../src/lab/kind/lab.ts";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { type Kind, useKind } from "./kind.ts";
import { makeNodeImage, nodeImage } from "./node-image.ts";

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "a lab that the real kind makes", () => {
  const folder = mkdtempSync(join(tmpdir(), "kbreak-kind-create-"));
  let kind: Kind;
  let missing: string | undefined;

  beforeAll(async () => {
    const started = await useKind(folder, { memory: 4 * 1024 ** 3 });
    if (typeof started === "string") {
      missing = started;
      return;
    }
    kind = started;
    await makeNodeImage(kind.engine);
  });
  afterAll(() => kind?.end());

  it("is up with its node Ready and enrolled, and is taken down", async ({ skip }) => {
    if (missing !== undefined) return skip(missing);
    const { engine } = kind;
    const name = "made";
    const status = await kindUp({ name, count: { controlPlanes: 1, workers: 0 }, image: nodeImage });
    const node = `${name}-control-plane`;
    expect(status).toMatchObject({ state: "running", nodes: [{ name: node, role: "control-plane" }] });
    const kubectl = (...words: readonly string[]) =>
      engine.docker("exec", node, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", ...words);
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
