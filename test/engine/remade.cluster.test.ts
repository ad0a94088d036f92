import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { identify } from "../../src/inventory/identify.ts";
import { run as runHere } from "../../src/lab/command.ts";
import { cachedPrograms } from "../../src/lab/kubernetes/programs.ts";
import { labSsh } from "../../src/lab/lab.ts";
import { type Bench, connectTo, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";
import { noKubernetes } from "../support/no-kubernetes.ts";

/** The real API server with the etcd and the certificates of a practice node: all of a cluster that this is about. */
describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "a cluster that is made anew", () => {
  let bench: Bench;
  let cp1: TestNode;
  beforeAll(async () => {
    bench = await useBench({ nodes: "1+0", fresh: true });
    cp1 = bench.lab.node("cp1");
    const ssh = labSsh(bench.lab.name, "cp1");
    const copy = 'tar -C "$1" -c kube-apiserver kubectl | { shift; "$@"; }';
    const unpack = [...ssh, "tar -C /usr/bin -x --no-same-owner"];
    await runHere(["sh", "-c", copy, "sh", join(cachedPrograms() ?? "", "bin"), ...unpack]);
  });
  afterAll(() => bench?.end());

  const kubectl = "kubectl --kubeconfig=/etc/kubernetes/super-admin.conf";
  const uid = () => on(cp1, `${kubectl} get namespace kube-system -o 'jsonpath={.metadata.uid}'`);
  const identity = async () => {
    const connection = await connectTo(cp1);
    try {
      return await identify(connection);
    } finally {
      await connection.close();
    }
  };

  /** What `kubeadm init` starts. */
  async function init(): Promise<void> {
    await on(
      cp1,
      `args=$(sed -n 's/^ *- \\(--.*\\)/\\1/p' /etc/kubernetes/manifests/kube-apiserver.yaml)
systemd-run --quiet --unit api --collect kube-apiserver $args
until ${kubectl} get --raw /readyz >/dev/null 2>&1; do sleep 0.2; done
until ${kubectl} get namespace kube-system >/dev/null 2>&1; do sleep 0.2; done`,
    );
  }

  /** What is left of a cluster after `kubeadm reset` by somebody who has kept its certificates. */
  async function reset(): Promise<void> {
    const pki = "/etc/kubernetes/pki/etcd";
    const client = `--cacert=${pki}/ca.crt --cert=${pki}/healthcheck-client.crt --key=${pki}/healthcheck-client.key`;
    await on(
      cp1,
      `systemctl stop api; etcdctl --endpoints=https://127.0.0.1:2379 ${client} del --prefix /registry`,
    );
  }

  const written = (path: string) =>
    bench.playbook(
      `name: written\nsteps: [{targets: cp1, operations: [{kind: file, path: ${path}, content: x}]}]\n`,
    );

  it("with its old certificates is refused; while it has no API, nobody is kept away", async () => {
    await init();
    const [old, before] = [await uid(), await identity()];
    expect(before.clusterUid).toBe(old);
    const early = await bench.apply(await written("/etc/early"));
    const late = await bench.apply(await written("/etc/late"));
    expect(bench.log(late).records[0]).toMatchObject({ targets: [{ identity: { clusterUid: old } }] });
    expect((await bench.status(late)).steps).toMatchObject([{ state: "in effect" }]);

    await reset();
    expect((await identity()).clusterUid).toBeUndefined();
    expect((await bench.status(late)).steps).toMatchObject([{ state: "in effect" }]);
    expect(await bench.undo(early)).toMatchObject({ complete: true });

    await init();
    const now = await uid();
    expect(await identity()).toEqual({ ...before, clusterUid: now });
    expect((await bench.status(late)).steps).toMatchObject([{ state: "replaced" }]);
    const { complete, targets } = await bench.undo(late);
    expect(complete).toBe(false);
    expect(targets[0]?.error?.message).toContain(
      `; the uid of its namespace kube-system was ${old} and is ${now}`,
    );
    expect(await on(cp1, "cat /etc/late"), "nothing was touched").toBe("x");
  });
});
