import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { makeAuthority } from "../../src/lab/kubeadm/certificates.ts";
import { sh } from "../../src/shell.ts";
import { on } from "../support/bench.ts";
import { type Desk, useDesk } from "./support.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await useDesk();
});
afterAll(() => desk?.end());
afterEach(async () => {
  await desk.kbreak("undo", "--all", "--exact");
  await desk.expectUntouched();
});

const manifest = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const flags = async () => (await on(desk.lab.node("cp1"), `lsattr -d ${manifest}`)).split(" ")[0];
const base64 = (text: string) => Buffer.from(text).toString("base64");

/** What a node does to its files until the test gives them back as they were, times included. */
async function during(name: string, folder: string, change: string, work: () => Promise<void>) {
  const node = desk.lab.node(name);
  const kept = `/run/${folder.replaceAll("/", "-")}`;
  await on(node, `cp -a ${folder} ${kept}\n${change}`);
  try {
    await work();
  } finally {
    // In place: a file may have got a flag of ours meanwhile, and its folder must not be replaced.
    await on(
      node,
      `cd ${kept} && find . -type f | while read -r file; do
  cmp -s "$file" "${folder}/$file" || { cat "$file" >"${folder}/$file"; touch -r "$file" "${folder}/$file"; }
done; rm -rf ${kept}`,
    );
  }
}

/** What `kubeadm reset` and `kubeadm init` leave where a node keeps its cluster's authorities. */
async function remade(): Promise<string> {
  const { certificate } = await makeAuthority("kubernetes");
  return sh`cd /etc/kubernetes
for file in pki/ca.crt pki/front-proxy-ca.crt pki/etcd/ca.crt; do
  if [ -e "$file" ]; then printf %s ${certificate} >"$file"; fi
done
sed 's|\(certificate-authority-data: \).*|\1'${base64(certificate)}'|' kubelet.conf >/run/kubelet.conf
cat /run/kubelet.conf >kubelet.conf
rm /run/kubelet.conf`.shell;
}

describe("a cluster that was made anew since the run", () => {
  it("is refused with what differs; --forget closes the run, and undo works should the old one come back", async () => {
    const file = desk.inventory({ cp1: { enrolled: false } });
    writeFileSync(`${file}.lock`, JSON.stringify({ version: 1, lab: "desk", nodes: {} }));
    expect((await desk.kbreak("inventory", "enrol", "-i", file, "--yes")).code).toBe(0);
    const { authorities } = JSON.parse(readFileSync(`${file}.lock`, "utf8")).nodes.cp1;
    const ca = new X509Certificate(await on(desk.lab.node("cp1"), "cat /etc/kubernetes/pki/ca.crt"));
    expect(authorities).toContain(ca.fingerprint256.replaceAll(":", ""));
    expect((await desk.kbreak("apply", "--yes", "files/immutable", "-i", file)).code).toBe(0);
    const [run = ""] = await desk.openRuns();

    await during("cp1", "/etc/kubernetes", await remade(), async () => {
      const differs = /cp1 is of another cluster .* were [0-9A-F]{16}….* and are [0-9A-F]{16}…$/m;
      const applied = await desk.kbreak("apply", "--yes", "files/unicode-doppelganger", "-i", file);
      expect(applied).toMatchObject({ code: 1, stderr: expect.stringMatching(differs) });
      expect(applied.stderr).toMatch(/hint: .*kbreak inventory enrol --replace cp1/);

      const status = await desk.kbreak("status");
      expect(status).toMatchObject({ code: 1, stderr: expect.stringMatching(differs) });
      expect(status.stdout).toMatch(/cp1 +files\/immutable +replaced +unknown/);
      expect(status.stderr).toContain(`kbreak undo ${run} --forget closes the run`);

      const undone = await desk.kbreak("undo");
      expect(undone).toMatchObject({ code: 5, stderr: expect.stringMatching(differs) });
      expect(undone.stderr).toContain(`kbreak undo ${run} --forget closes the run`);

      const unasked = await desk.kbreak("undo", "--forget");
      expect(unasked.code).toBe(64);
      expect(unasked.stderr).toMatch(
        /this stays changed:\n {2}cp1: set i on \/etc\/kubernetes\/manifests.*\nerror: .*\nhint: .*--yes/,
      );
      expect((await desk.kbreak("undo", "--forget", "--all", "--yes")).code).toBe(64);
      expect(await desk.openRuns()).toEqual([run]);

      const hidden = await desk.kbreak("undo", "--forget", "--spoilers", "no");
      expect(hidden.stderr).toMatch(/\n {2}cp1: 1 changes\n/);
      expect(hidden.stderr).not.toMatch(/set i|manifest/);
      const forgotten = await desk.kbreak("undo", run, "--forget", "--yes");
      expect(forgotten).toMatchObject({ code: 0, stdout: `run ${run}: forgotten, 1 not put back\n` });
      expect(await desk.openRuns()).toEqual([]);
      expect((await desk.kbreak("runs", "list")).stdout).toMatch(new RegExp(`${run} .* forgotten `));
      expect(await desk.kbreak("undo", run, "--forget", "--yes")).toMatchObject({
        code: 0,
        stderr: `run ${run} is closed already: forgotten\n`,
      });
      expect(await flags(), "nothing was touched").toContain("i");
    });
    expect(await desk.kbreak("undo", run)).toMatchObject({ code: 0, stdout: `run ${run}: undone\n` });
  });

  it("is told of a lab's own nodes, too, which were enrolled before they had a cluster", async () => {
    expect((await desk.kbreak("apply", "--yes", "files/immutable")).code).toBe(0);
    await during("cp1", "/etc/kubernetes", await remade(), async () => {
      const { code, stderr } = await desk.kbreak("undo");
      expect(code).toBe(5);
      expect(stderr).toMatch(/cp1 is of another cluster/);
    });
    expect((await desk.kbreak("undo")).code).toBe(0);
  });
});

describe("a run that changes the cluster's certificates itself", () => {
  it("is undone, and does not keep the next run away", async () => {
    const { certificate } = await makeAuthority("kubernetes");
    const change = (path: string) => ({ kind: "file", path, content: certificate });
    const own = desk.write(
      "own.yaml",
      JSON.stringify({
        name: "own",
        steps: [
          { targets: "cp1", operations: [change("/etc/kubernetes/pki/ca.crt")] },
          {
            targets: "w1",
            operations: [change("/etc/kubernetes/pki/ca.crt"), change("/etc/kubernetes/kubelet.conf")],
          },
        ],
      }),
    );
    const applied = await desk.kbreak("apply", "--yes", own);
    expect(applied.code, applied.stderr).toBe(0);
    // Three other witnesses are left on a control plane.
    expect((await desk.kbreak("apply", "--yes", "files/immutable")).code).toBe(0);
    const { code, stdout } = await desk.kbreak("status");
    expect(code, stdout).toBe(0);
    expect(await desk.kbreak("undo", "--all")).toMatchObject({ code: 0 });
  });
});

describe("another machine in the place of a node", () => {
  it("is refused with both machine-ids, and the other node of the run is undone", async () => {
    const file = desk.inventory({ cp1: {}, w1: {} });
    const both = desk.write(
      "both.yaml",
      'name: both\nsteps:\n  - targets: all\n    operations: [{kind: file, path: /etc/issue, content: "x"}]\n',
    );
    expect((await desk.kbreak("apply", "--yes", both, "-i", file)).code).toBe(0);
    const [run = ""] = await desk.openRuns();
    const { machineId } = desk.lab.node("w1").identity;
    const other = "f".repeat(32);
    const w1 = (script: string) => on(desk.lab.node("w1"), script);
    await w1(`cp -a /etc/machine-id /run/kept-id; echo ${other} >/etc/machine-id`);
    try {
      const differs = `w1 is another machine than the one that was enrolled: its machine-id was ${machineId} and is ${other}`;
      const planned = await desk.kbreak("plan", both, "-i", file, "--limit", "w1");
      expect(planned).toMatchObject({ code: 1, stderr: expect.stringContaining(differs) });
      const status = await desk.kbreak("status");
      expect(status).toMatchObject({ code: 1, stderr: expect.stringContaining(differs) });
      expect(status.stdout).toMatch(/cp1 .* in effect/);
      const undone = await desk.kbreak("undo");
      expect(undone).toMatchObject({ code: 5, stderr: expect.stringContaining(`w1: ${differs}`) });
      expect(undone.stderr).not.toMatch(/^cp1: /m);
      // What stays changed is w1's alone.
      const asked = await desk.kbreak("undo", "--forget");
      expect(asked.stderr).toMatch(/this stays changed:\n {2}w1: write \/etc\/issue\nerror/);
    } finally {
      await w1("cat /run/kept-id >/etc/machine-id; touch -r /run/kept-id /etc/machine-id; rm /run/kept-id");
    }
    expect(await desk.kbreak("undo")).toMatchObject({ code: 0, stdout: `run ${run}: undone\n` });
  });
});
