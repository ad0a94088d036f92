import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { labFolder } from "../../src/lab/folders.ts";
import { hostNames } from "../../src/lab/host/names.ts";
import { networkNamespaces } from "../../src/lab/host/network.ts";
import { labDown, labRescue, labStatus, labUp } from "../../src/lab/lab.ts";
import { parseNodeCount } from "../../src/lab/nodes.ts";
import { parseProvider } from "../../src/lab/providers.ts";
import { on } from "../support/bench.ts";
import { type TestLab, useLab } from "../support/lab.ts";

let lab: TestLab;

beforeAll(async () => {
  lab = await useLab({ nodes: "1", provider: "vm", fresh: true });
}, 600_000);

afterAll(() => lab?.down());

it("a machine has a kernel of its own, and is a node as others are", async () => {
  const node = lab.node("cp1");
  expect((await on(node, "readlink /proc/1/ns/pid; systemd-detect-virt -c || :")).trim()).toBe(
    "pid:[4026531836]\nnone",
  );
  const health =
    "cd /etc/kubernetes/pki/etcd && etcdctl --cacert ca.crt --cert healthcheck-client.crt --key healthcheck-client.key --endpoints https://127.0.0.1:2379 endpoint health 2>&1";
  expect(await on(node, health)).toContain("is healthy");
  expect((await on(node, "cat /etc/machine-id; hostname")).trim()).toBe(`${node.identity.machineId}\ncp1`);
  const skew = Number(await on(node, "date +%s.%N")) - Date.now() / 1000;
  expect(Math.abs(skew)).toBeLessThan(5);
});

it("namespace nodes share its network, and once more changes nothing", async () => {
  const wish = { name: lab.name, count: parseNodeCount("1+1"), provider: parseProvider("namespace=w1") };
  const both = await labUp(wish);
  expect(both.nodes.map(({ name, provider, state }) => [name, provider, state])).toEqual([
    ["cp1", "vm", "running"],
    ["w1", "namespace", "running"],
  ]);
  const boot = await on(lab.node("cp1"), "cat /proc/sys/kernel/random/boot_id");
  await on(lab.node("cp1"), "ping -c 1 -W 5 w1");
  await labUp(wish);
  expect(await on(lab.node("cp1"), "cat /proc/sys/kernel/random/boot_id")).toBe(boot);
});

it("the console works without the node's network and its ssh server", async () => {
  const node = lab.node("cp1");
  const silence = "systemctl stop ssh.service; ip link set eth0 down";
  expect(await labRescue(lab.name, "cp1", silence)).toBe(0);
  expect(await labRescue(lab.name, "cp1", "ip -br link show eth0 | grep -q DOWN && exit 7")).toBe(7);
  const mend =
    "/usr/local/sbin/node-network 10.77.0.11/24 10.77.0.1 2>/dev/null; systemctl start ssh.service";
  expect(await labRescue(lab.name, "cp1", mend)).toBe(0);
  expect(await on(node, "hostname")).toBe("cp1\n");
});

it("a power cut ends it, and a cold start makes it the same node again, of another boot", async () => {
  const node = lab.node("cp1");
  const boot = await on(node, "sync; cat /proc/sys/kernel/random/boot_id");
  await node.powerCut();
  expect(labStatus(lab.name).nodes[0]).toMatchObject({ name: "cp1", state: "stopped" });
  await node.start();
  expect(await on(node, "cat /proc/sys/kernel/random/boot_id")).not.toBe(boot);
  expect((await on(node, "cat /etc/machine-id")).trim()).toBe(node.identity.machineId);
}, 300_000);

it("down leaves nothing", async () => {
  const folder = labFolder(lab.name);
  const names = hostNames(lab.name, folder);
  expect([names.runtime, names.cgroup, folder].map(existsSync)).toEqual([true, true, true]);
  await labDown(lab.name);
  expect([names.runtime, names.cgroup, folder].map(existsSync)).toEqual([false, false, false]);
  expect(networkNamespaces().filter((network) => names.networks.test(network))).toEqual([]);
});
