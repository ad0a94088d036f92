import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ConnectError, PreconditionError } from "../../src/errors.ts";
import { importKubeadm } from "../../src/inventory/import-kubeadm.ts";
import { makeAuthority } from "../../src/lab/kubeadm/certificates.ts";
import { cachedPrograms } from "../../src/lab/kubernetes/programs.ts";
import { type RealApi, startRealApi } from "../kubernetes/real-api.ts";

const programs = cachedPrograms();
const why =
  programs === undefined ? " (skipped: kube-apiserver is not built, see test/lab/kubernetes/README.md)" : "";

describe.skipIf(programs === undefined)(`inventory import kubeadm from a real API server${why}`, () => {
  let api: RealApi;
  const imported = async (kubeconfig: Promise<string>) =>
    parse(await importKubeadm({ kubeconfig: await kubeconfig }));

  const create = async (name: string, labels: Record<string, string>, address: string) => {
    const addresses = [
      { type: "ExternalIP", address: "203.0.113.7" },
      { type: "InternalIP", address },
    ];
    await api.admin.ask("create a node", (core) => core.createNode({ body: { metadata: { name, labels } } }));
    await api.admin.ask("tell its address", async (core) => {
      const node = await core.readNode({ name });
      await core.replaceNodeStatus({ name, body: { ...node, status: { addresses } } });
    });
  };

  beforeAll(async () => {
    api = await startRealApi(join(programs ?? "", "bin"));
  });
  afterAll(() => api?.end());

  it("says of a cluster without nodes what to do", async () => {
    await expect(imported(api.config("admin", "system:masters"))).rejects.toThrow(/has no nodes yet/);
  });

  it("reads names, roles and addresses", async () => {
    await create("cp1", { "node-role.kubernetes.io/control-plane": "" }, "10.0.0.11");
    await create("w1", { "topology.kubernetes.io/zone": "b" }, "10.0.0.21");
    expect(await imported(api.config("admin", "system:masters"))).toMatchObject({
      nodes: {
        cp1: { host: "10.0.0.11", roles: ["control-plane"] },
        w1: { host: "10.0.0.21", roles: ["worker"], zone: "b" },
      },
      clusters: { kubernetes: { nodes: ["cp1", "w1"] } },
    });
  });

  it("tells of a user without rights, of one of another CA, and of a server that is gone", async () => {
    const forbidden = imported(api.config("ada"));
    await expect(forbidden).rejects.toThrow(PreconditionError);
    await expect(forbidden).rejects.toThrow(/the user "ada" of \S+ may not list nodes/);

    const stranger = imported(api.config("eve", "system:masters", await makeAuthority("kubernetes")));
    await expect(stranger).rejects.toThrow(ConnectError);
    await expect(stranger).rejects.toThrow(/does not know the credentials of the user "eve"/);

    await api.stop();
    const gone = imported(api.config("admin", "system:masters"));
    await expect(gone).rejects.toThrow(ConnectError);
    await expect(gone).rejects.toThrow(/cannot be reached: connect ECONNREFUSED/);
  });
});
