import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PreconditionError, UsageError } from "../../src/errors.ts";
import { run } from "../../src/lab/command.ts";
import { parseHierarchies } from "../../src/lab/host/hierarchies.ts";
import { writeArchive } from "../../src/lab/kubernetes/archive.ts";
import { checkKubernetes } from "../../src/lab/kubernetes/choose.ts";
import { digestIn, fetchRelease } from "../../src/lab/kubernetes/official.ts";
import { telling } from "../../src/lab/kubernetes/on-node.ts";
import { fabricRoutes, podNetworkFiles } from "../../src/lab/kubernetes/pod-network.ts";
import { givenPrograms, programFiles } from "../../src/lab/kubernetes/programs.ts";
import { type ClusterObject, unready } from "../../src/lab/kubernetes/ready.ts";
import { releases } from "../../src/lab/kubernetes/releases.ts";
import { nodesOf, parseNodeCount } from "../../src/lab/nodes.ts";
import type { LabKubernetes } from "../../src/lab/types.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "programs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("what a lab with a Kubernetes cannot be is refused in words:", () => {
  const kubernetes: LabKubernetes = { version: "v1.37.1", programs: "/p", saved: "/s" };
  const check = (had: string | undefined, real: boolean, wanted: string, wish = true, provider?: "vm") =>
    checkKubernetes(
      "lab",
      had === undefined ? undefined : { count: parseNodeCount(had), ...(real ? { kubernetes } : {}) },
      wish ? {} : undefined,
      parseNodeCount(wanted),
      provider === undefined ? undefined : { provider },
    );

  test.each<[string, Parameters<typeof check>, new (...args: never[]) => Error, RegExp]>([
    ["one for nodes that have none", ["1+1", false, "1+1"], PreconditionError, /has no Kubernetes/],
    ["another size", ["1+1", true, "1+2", false], PreconditionError, /keeps its size/],
    ["machines in a new one", [undefined, false, "1+1", true, "vm"], UsageError, /--provider vm/],
    ["machines in one that is there", ["1+1", true, "1+1", false, "vm"], UsageError, /--provider vm/],
    ["two control planes", [undefined, false, "2+1"], UsageError, /one control plane/],
  ])("%s", (_name, args, kind, words) => {
    expect(() => check(...args)).toThrow(kind);
    expect(() => check(...args)).toThrow(words);
  });

  test.each<[string, Parameters<typeof check>]>([
    ["a new one", [undefined, false, "1+1"]],
    ["once more", ["1+1", true, "1+1"]],
    ["once more without saying it", ["1+1", true, "1+1", false]],
    ["a lab without, of any size and kind", ["1+1", false, "2+2", false, "vm"]],
  ])("but not %s", (_name, args) => {
    expect(() => check(...args)).not.toThrow();
  });
});

describe("--binaries", () => {
  test("a folder without programs is refused, and what is wanted is said", () => {
    expect(() => givenPrograms(folder)).toThrow(/lacks the programs of a Kubernetes/);
  });

  test("a folder that lacks one is refused by that one's name", () => {
    for (const file of programFiles) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), "");
    }
    expect(givenPrograms(folder)).toBe(folder);
    rmSync(join(folder, "bin/etcd"));
    expect(() => givenPrograms(folder)).toThrow(/it lacks bin\/etcd$/);
  });

  test("official releases have all its files", () => {
    const brought = releases.flatMap(({ members }) => Object.values(members));
    expect([...brought].sort()).toEqual([...programFiles].sort());
  });
});

describe("an image archive", () => {
  const images = [
    { name: "web:v1", entrypoint: ["web"], environment: ["VERSION=v1"], user: "999:999" },
    { name: "web:v2", entrypoint: ["web"], environment: ["VERSION=v2"] },
  ];
  let file: string;

  beforeAll(async () => {
    const root = join(folder, "image-root");
    mkdirSync(join(root, "usr/bin"), { recursive: true });
    writeFileSync(join(root, "usr/bin/web"), "hello\n");
    file = join(folder, "web.tar");
    await writeArchive(file, root, images, join(folder, "parts"));
  });
  const member = (name: string) => run(["tar", "-xOf", file, name]);

  test("names each image, with what runs in it and as whom", async () => {
    const manifest = JSON.parse(await member("manifest.json"));
    expect(manifest.map(({ RepoTags }: { RepoTags: unknown }) => RepoTags)).toEqual([["web:v1"], ["web:v2"]]);
    const config = JSON.parse(await member(manifest[0].Config)).config;
    expect(config).toMatchObject({ Entrypoint: ["web"], User: "999:999" });
    expect(config.Env).toContain("VERSION=v1");
  });

  test("tells the digest of its one layer, which holds the files as root's", async () => {
    await run(["tar", "-xf", file, "-C", folder, "layer.tar"]);
    const layer = readFileSync(join(folder, "layer.tar"));
    const [{ Config }] = JSON.parse(await member("manifest.json"));
    const digest = createHash("sha256").update(layer).digest("hex");
    expect(JSON.parse(await member(Config)).rootfs.diff_ids).toEqual([`sha256:${digest}`]);
    const list = await run(["tar", "-tvf", join(folder, "layer.tar"), "--numeric-owner"]);
    expect(list).toMatch(/0\/0 +6 .* \.\/usr\/bin\/web/);
  });

  test("is the same when it is made again", async () => {
    const before = readFileSync(file);
    await writeArchive(file, join(folder, "image-root"), images, join(folder, "parts"));
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});

describe("a release", () => {
  const content = "the program\n";
  const sum = createHash("sha256").update(content).digest("hex");
  let server: Server;
  let base: string;

  beforeAll(async () => {
    const answers: Readonly<Record<string, string>> = {
      "/kubelet": content,
      "/kubelet.sha256": sum,
      "/wrong.sha256": "0".repeat(64),
    };
    server = createServer((request, response) => {
      const text = answers[request.url ?? ""];
      response.statusCode = text === undefined ? 404 : 200;
      response.end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  const fetchIt = (name: string, sums: string) =>
    fetchRelease(
      { url: `${base}/${name}`, sums: `${base}/${sums}`, members: { [name]: `bin/${name}` } },
      folder,
    );

  test("is brought when it has the published checksum", async () => {
    await fetchIt("kubelet", "kubelet.sha256");
    expect(readFileSync(join(folder, "bin/kubelet"), "utf8")).toBe(content);
  });

  test("is refused when it has another", async () => {
    await expect(fetchIt("kubelet", "wrong.sha256")).rejects.toThrow(/not what was published/);
  });

  test("that is not there is named, and what to type next", async () => {
    await expect(fetchIt("kubeadm", "kubelet.sha256")).rejects.toMatchObject({
      message: expect.stringMatching(/kubeadm cannot be had.*404/),
      hint: expect.stringContaining("--binaries"),
    });
  });

  test("whose server does not answer is named, and why", async () => {
    const url = "http://127.0.0.1:1/kubelet";
    await expect(fetchRelease({ url, sums: url, members: {} }, folder)).rejects.toMatchObject({
      message: expect.stringMatching(/127\.0\.0\.1:1\/kubelet cannot be had/),
      hint: expect.stringContaining("--binaries"),
    });
  });

  test.each([
    ["alone", `${sum}\n`],
    ["with the name", `${sum}  a.tgz\n`],
    ["of a binary file", `${sum} *a.tgz\n`],
    ["among others", `${"1".repeat(64)}  b.tgz\n${sum}  a.tgz\n`],
  ])("has its checksum %s", (_name, sums) => {
    expect(digestIn(sums, "a.tgz")).toBe(sum);
  });

  test.each(["", "<html>", `${sum}  b.tgz\n`])("has none in %j", (sums) => {
    expect(() => digestIn(sums, "a.tgz")).toThrow(/checksums do not tell/);
  });
});

describe("a cluster is Ready", () => {
  const since = new Date("2026-11-21T04:00:00Z");
  const node = (time: string, status = "True"): ClusterObject => ({
    kind: "Node",
    metadata: { name: "cp1" },
    spec: {},
    status: { conditions: [{ type: "Ready", status, lastHeartbeatTime: time }] },
  });
  const pod = (startedAt: string | undefined, status = "True", phase = "Running"): ClusterObject => ({
    kind: "Pod",
    metadata: { name: "web" },
    spec: { nodeName: "cp1" },
    status: {
      phase,
      conditions: [{ type: "Ready", status }],
      containerStatuses: [{ state: startedAt === undefined ? {} : { running: { startedAt } } }],
    },
  });
  const later = "2026-11-21T04:00:05Z";
  const earlier = "2026-11-21T03:00:00Z";

  test.each<[string, readonly ClusterObject[], readonly string[], readonly string[]]>([
    ["when all say so", [node(later), pod(later)], [], []],
    ["not before a node has come", [], ["cp1"], []],
    ["not by what a node said before its start", [node(earlier), pod(later)], ["cp1"], []],
    ["not when a node says no", [node(later, "False"), pod(later)], ["cp1"], []],
    ["not by what a pod was before the start", [node(later), pod(earlier)], [], ["web"]],
    ["not with a pod that is not", [node(later), pod(later, "False")], [], ["web"]],
    ["not with a container that waits", [node(later), pod(undefined)], [], ["web"]],
    ["with a pod that has done its work", [node(later), pod(undefined, "False", "Succeeded")], [], []],
  ])("%s", (_name, objects, nodes, pods) => {
    expect(unready(objects, { cp1: since })).toEqual({ nodes, pods });
  });
});

test("what kubeadm marks as an error is told first, and its last lines", () => {
  const said = [
    "I1 start",
    "\t[ERROR Port-6443]: Port 6443 is in use",
    ...Array(20).fill("I1 noise"),
    "the end",
  ];
  expect(telling(said.join("\n"))).toBe("\t[ERROR Port-6443]: Port 6443 is in use\nI1 noise\nthe end");
});

test("each node has a part of the pods' network, and routes to the others'", () => {
  const nodes = nodesOf(parseNodeCount("1+1"));
  const [, w1] = nodes;
  const files = w1 === undefined ? [] : podNetworkFiles(nodes, w1);
  expect(files.map((file) => ("content" in file ? file.content : ""))).toEqual([
    expect.stringContaining('"subnet": "10.244.1.0/24"'),
    "route replace 10.244.0.0/24 via 10.77.0.11\n",
  ]);
  expect(fabricRoutes(nodes)).toContain("10.244.1.0/24 via 10.77.0.101 dev br0 onlink");
});

test("hierarchies of cgroup v1 are found in the mount table, with what mounts them again", () => {
  const mounts = [
    "tmpfs /sys/fs/cgroup tmpfs rw,relatime 0 0",
    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nosuid 0 0",
    "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,nodev,noexec,relatime,cpu,cpuacct 0 0",
    "cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,release_agent=/x,name=systemd 0 0",
  ];
  expect(parseHierarchies(mounts.join("\n")).map(({ name, options }) => [name, options])).toEqual([
    ["cpu,cpuacct", "cpu,cpuacct"],
    ["systemd", "none,name=systemd"],
  ]);
});
