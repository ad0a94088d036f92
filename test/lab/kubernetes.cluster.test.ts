import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../src/lab/command.ts";
import { labFolder } from "../../src/lab/folders.ts";
import { hierarchies } from "../../src/lab/host/hierarchies.ts";
import { hostNames } from "../../src/lab/host/names.ts";
import { networkNamespaces } from "../../src/lab/host/network.ts";
import { prepareKubernetes } from "../../src/lab/kubernetes/choose.ts";
import { cachedPrograms } from "../../src/lab/kubernetes/programs.ts";
import { quote } from "../../src/lab/kubernetes/workload-image.ts";
import { labDown, labStatus, labUp } from "../../src/lab/lab.ts";
import { parseNodeCount } from "../../src/lab/nodes.ts";
import type { TestLab } from "../support/lab.ts";
import { useLab } from "../support/lab.ts";

const missing =
  cachedPrograms() === undefined
    ? "no programs of a Kubernetes in the cache; with Go, test/lab/kubernetes/build.sh makes them"
    : undefined;

describe.skipIf(missing !== undefined)(missing ?? "a lab with a real Kubernetes", () => {
  let lab: TestLab;
  /** When each line of progress came: milliseconds since the lab's start. */
  const times = new Map<string, number>();

  beforeAll(async () => {
    await prepareKubernetes({}, parseNodeCount("1+1"), () => {});
    const begin = Date.now();
    const progress = (line: string) => times.set(line.replace(/ after .*/, ""), Date.now() - begin);
    lab = await useLab({ kubernetes: true, fresh: true, progress });
  }, 600_000);
  afterAll(() => lab?.down());

  async function on(node: string, command: string): Promise<string> {
    const { code, stdout, stderr } = await lab.node(node).exec(command);
    if (code !== 0) throw new Error(`${command} on ${node} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Does a command until it succeeds. @throws its last error after `limit` milliseconds. */
  async function until(limit: number, node: string, command: string): Promise<string> {
    for (const end = Date.now() + limit; ; await sleep(200)) {
      try {
        return await on(node, command);
      } catch (error) {
        if (Date.now() > end) throw error;
      }
    }
  }

  const bootIds = () =>
    Promise.all(["cp1", "w1"].map((node) => on(node, "cat /proc/sys/kernel/random/boot_id")));
  const page = async () => (await fetch(labStatus(lab.name).kubernetes?.page ?? "")).text();

  test("goes on from the saved cluster: all nodes are Ready in less than 20 s", async () => {
    expect(times.get("cluster: all nodes Ready")).toBeLessThan(20_000);
    expect(await on("cp1", "kubectl get nodes --output name")).toBe("node/cp1\nnode/w1\n");
  });

  test("shows a row of its database on port 30000 of every node, and on a port of this host", async () => {
    for (const node of ["cp1", "w1"]) {
      const text = await on("cp1", `curl --silent --show-error --fail --max-time 5 http://${node}:30000/`);
      expect(text).toContain("<h1>v1</h1>");
      expect(text).toContain(quote);
    }
    expect(await page()).toContain(quote);
  });

  test("serves v2 once the image's tag says so", async () => {
    const setImage = (version: string) =>
      on(
        "cp1",
        `kubectl set image deployment/web web=web:${version} && kubectl rollout status deployment/web --timeout 60s`,
      );
    // The network leads to pods that are about to end for a little longer than they listen.
    await setImage("v2");
    await expect.poll(page, { timeout: 10_000 }).toContain(`<h1>v2</h1>\n<p>${quote}`);
    await setImage("v1");
    await expect.poll(page, { timeout: 10_000 }).toContain("<h1>v1</h1>");
  });

  test("has logs, exec, names of services, and a kubeconfig for this host", async () => {
    expect(await on("cp1", "kubectl logs statefulset/postgres")).toContain("ready to accept connections");
    const lookup = "kubectl exec deployment/web -- nslookup postgres.default.svc.cluster.local";
    expect(await on("cp1", lookup)).toMatch(/Address: 10\./);
    const { kubeconfig = "" } = labStatus(lab.name).kubernetes ?? {};
    const kubectl = join(cachedPrograms() ?? "", "bin/kubectl");
    expect(await run([kubectl, "--kubeconfig", kubeconfig, "get", "--raw", "/readyz"])).toBe("ok");
  });

  test("has nodes of its own: their machine-ids are those that are enrolled", async () => {
    const read = "kubectl get nodes --output jsonpath='{.items[*].status.nodeInfo.machineID}'";
    const enrolled = lab.nodes.map(({ identity }) => identity.machineId).join(" ");
    expect(await on("cp1", read)).toBe(enrolled);
  });

  test("shows kbreak's name nowhere", async () => {
    // The brackets keep the search from finding itself.
    const search = [
      "grep -rIl 'k[b]reak' --exclude-dir=proc --exclude-dir=sys / 2>/dev/null",
      "grep -al 'k[b]reak' /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/[0-9]*/mountinfo /proc/[0-9]*/cgroup 2>/dev/null",
      "kubectl get nodes,pods,configmaps,secrets,leases --all-namespaces --output yaml 2>/dev/null | grep 'k[b]reak'; :",
    ].join("; ");
    for (const node of ["cp1", "w1"]) expect(await on(node, search)).toBe("");
  });

  test("once more changes nothing", async () => {
    const boots = await bootIds();
    await labUp({ name: lab.name, kubernetes: {} });
    expect(await bootIds()).toEqual(boots);
  });

  test("is there again after a power cut of its control plane", async () => {
    const [before] = await bootIds();
    await lab.node("cp1").powerCut();
    expect(labStatus(lab.name).state).toBe("partial");
    await lab.node("cp1").start();
    expect(await until(60_000, "cp1", "kubectl get --raw /readyz")).toBe("ok");
    await until(60_000, "cp1", "kubectl wait --for condition=Ready node --all --timeout 5s");
    const [after] = await bootIds();
    expect(after).not.toBe(before);
    await until(60_000, "w1", "curl --silent --fail --max-time 5 http://cp1:30000/");
  }, 240_000);

  test("leaves nothing when it is taken down", async () => {
    const folder = labFolder(lab.name);
    const names = hostNames(lab.name, folder);
    const groups = [names.cgroup, ...hierarchies().map(({ top }) => join(top, names.group))];
    expect(groups.filter((group) => !existsSync(group))).toEqual([]);
    await labDown(lab.name);
    expect([...groups, folder].filter(existsSync)).toEqual([]);
    expect(networkNamespaces().filter((network) => names.networks.test(network))).toEqual([]);
    expect(await run(["losetup", "--list", "--output", "BACK-FILE"])).not.toContain(folder);
  });
});
