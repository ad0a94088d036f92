import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { PreconditionError } from "../src/errors.ts";
import type { Fingerprint } from "../src/fingerprint/types.ts";
import { asFixer, type Bench, changesSince, look, on, useBench } from "./support/bench.ts";
import type { TestNode } from "./support/lab.ts";

const id = "access/kubeconfig-exec-helper";
const adminConf = "/etc/kubernetes/admin.conf";
const helper = "/usr/local/bin/kube-auth-metal";
const trace = "/var/tmp/.auth-cache";
const pki = "/etc/kubernetes/pki";

let bench: Bench;
let cp1: TestNode;
let server: string;
let before: Fingerprint;

/** A server in the API server's place: it lets in only whom the lab's CA has signed, and tells who came. */
async function startServer(): Promise<string> {
  const pid = await on(
    cp1,
    `setsid openssl s_server -accept 6443 -www -cert ${pki}/apiserver.crt -key ${pki}/apiserver.key -CAfile ${pki}/ca.crt -Verify 2 -verify_return_error -quiet </dev/null >/dev/null 2>&1 & echo $!`,
  );
  await expect
    .poll(async () => (await cp1.exec("ss -Hltn sport = 6443")).stdout, { timeout: 5000 })
    .not.toBe("");
  return pid.trim();
}

const kubectl = (kubeconfig = adminConf) => `kubectl --kubeconfig=${kubeconfig} get --raw /healthz`;

/** The client certificate that the server saw, as text. */
async function seenBy(answer: Promise<string>): Promise<string> {
  const page = await answer;
  const at = page.indexOf("Client certificate");
  if (at < 0) throw new Error(`no client certificate was seen: ${page}`);
  return page.slice(at);
}

const lines = async (path: string) => (await cp1.exec(`wc -l < ${path}`)).stdout.trim();

beforeAll(async () => {
  bench = await useBench({ nodes: "1+0" });
  cp1 = bench.lab.node("cp1");
  before = await look(cp1);
});
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await bench.undoAll();
  await cp1.exec(`kill ${server}`);
});
afterAll(() => bench?.end());

/** Takes the server down, then looks. */
async function changes() {
  await cp1.exec(`kill ${server}; rm -f ${trace}.other`);
  return changesSince(cp1, before);
}

describe("the server of this test", () => {
  it("lets nobody in without a certificate of the lab's CA", async () => {
    const stranger = await cp1.exec(`curl -sS --cacert ${pki}/ca.crt https://127.0.0.1:6443/healthz`);
    expect(stranger.code).not.toBe(0);
  });
});

describe("a kubeconfig that runs a program", () => {
  it("lets real kubectl in with the same certificate as before, runs its payload, and is undone byte for byte", async () => {
    const original = await on(cp1, `cat ${adminConf}`);
    const credentials = parse(original).users[0].user;
    const certificate = await seenBy(on(cp1, kubectl()));
    expect(certificate).toContain("kubernetes-admin");

    const run = await bench.apply(await bench.single(id));
    const broken = await on(cp1, `cat ${adminConf}`);
    expect(parse(broken).users).toEqual([
      {
        name: "kubernetes-admin",
        user: {
          exec: { apiVersion: "client.authentication.k8s.io/v1", command: helper, interactiveMode: "Never" },
        },
      },
    ]);
    const { users: _, ...others } = parse(original);
    expect(parse(broken)).toMatchObject(others);
    expect(await lines(trace), "nothing has run it yet").toBe("0");

    expect(await seenBy(on(cp1, kubectl()))).toBe(certificate);
    await expect.poll(() => lines(trace), { timeout: 5000 }).toBe("1");
    const fixer = asFixer(bench.lab, cp1, [`export KUBECONFIG=${adminConf}`, "kubectl get --raw /healthz"]);
    expect(await seenBy(fixer.then(({ stdout }) => stdout))).toBe(certificate);
    await expect.poll(() => lines(trace), { timeout: 5000 }).toBe("2");

    const told = JSON.parse(await on(cp1, helper));
    expect(told).toEqual({
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      status: {
        clientCertificateData: Buffer.from(credentials["client-certificate-data"], "base64").toString(),
        clientKeyData: Buffer.from(credentials["client-key-data"], "base64").toString(),
      },
    });
    await expect.poll(() => lines(trace), { timeout: 5000 }).toBe("3");

    // What the payload wrote meanwhile is no drift.
    expect((await bench.status(run)).steps).toMatchObject([{ state: "in effect", symptom: "seen" }]);
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    expect(await on(cp1, `cat ${adminConf}`)).toBe(original);
    for (const path of [helper, trace]) expect((await cp1.exec(`ls ${path}`)).code).not.toBe(0);
    expect(await seenBy(on(cp1, kubectl()))).toBe(certificate);
    expect(await changes()).toEqual([]);
  });

  it("is not undone by its own payload at work, and a payload may hold any quotes", async () => {
    const payload = `printf '%s\\n' "it's \${PWD:+here}" '$(no)' >> ${trace}.other`;
    const run = await bench.apply(
      await bench.single(id, `payload=${payload}`, `trace=${trace}.other`, "helper=/usr/local/bin/kube-auth"),
    );
    await on(cp1, kubectl());
    await expect
      .poll(() => cp1.exec(`cat ${trace}.other`).then(({ stdout }) => stdout), { timeout: 5000 })
      .toBe("it's here\n$(no)\n");
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    expect(await changes()).toEqual([]);
  });

  it("lets kubectl in when its payload fails or never ends", async () => {
    for (const payload of ["exit 3", "if (", "sleep 30", "cat"]) {
      const run = await bench.apply(await bench.single(id, `payload=${payload}`, "trace="));
      await seenBy(on(cp1, `timeout 10 ${kubectl()}`));
      await bench.undo(run);
    }
    await cp1.exec(
      "for process in /proc/[0-9]*; do if grep -qsx sleep $process/comm && tr '\\0' ' ' < $process/cmdline | grep -qx 'sleep 30 '; then kill $(basename $process); fi; done",
    );
    expect(await changes()).toEqual([]);
  });

  it("hands on a token just as well", async () => {
    const file = "/root/token.conf";
    await on(
      cp1,
      `sed -e '/client-key-data/d' -e "s/client-certificate-data:.*/token: \\"it's 007\\"/" ${adminConf} > ${file}`,
    );
    const run = await bench.apply(await bench.single(id, `kubeconfig=${file}`));
    expect(JSON.parse(await on(cp1, helper)).status).toEqual({ token: "it's 007" });
    await bench.undo(run);
    await on(cp1, `rm ${file}`);
    await on(cp1, `touch -d '${before.sections.files?.["/root"]?.split(" ").at(-1)}' /root`);
    expect(await changes()).toEqual([]);
  });

  it.each([
    ["whose credentials are elsewhere", "/etc/kubernetes/kubelet.conf", /no credentials in it to hand on/],
    ["that is none", "/etc/kubernetes/manifests/etcd.yaml", /no credentials in it to hand on/],
    ["that is not there", "/etc/kubernetes/nobody.conf", /there is no \/etc\/kubernetes\/nobody\.conf/],
  ])("is refused for a kubeconfig %s", async (_what, path, message) => {
    const refusal = bench.apply(await bench.single(id, `kubeconfig=${path}`));
    await expect(refusal).rejects.toThrow(PreconditionError);
    await expect(refusal).rejects.toThrow(message);
    expect(await changes()).toEqual([]);
  });
});
