import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PreconditionError, UsageError } from "../../src/errors.ts";
import { run } from "../../src/lab/command.ts";
import { labFolder } from "../../src/lab/folders.ts";
import { hostNames } from "../../src/lab/host/names.ts";
import { networkNamespaces } from "../../src/lab/host/network.ts";
import { labDown, labSsh, labStatus, labUp } from "../../src/lab/lab.ts";
import { parseNodeCount } from "../../src/lab/nodes.ts";
import { compiled } from "../support/compiled.ts";
import { useLab } from "../support/lab.ts";

const names = ["one", "two", "killed", "many"];
afterAll(async () => {
  for (const name of names) await labDown(name);
});

/** What of a lab is still on this host; its disks' inode numbers tell its loop devices. */
async function leftovers(name: string, disks: readonly number[]): Promise<readonly string[]> {
  const folder = labFolder(name);
  const host = hostNames(name, folder);
  const processes = readdirSync("/proc")
    .filter((entry) => /^[0-9]+$/.test(entry))
    .flatMap((pid) => {
      try {
        // A zombie is a dead child that this process has not asked about yet.
        if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) return [];
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        const cgroup = readFileSync(`/proc/${pid}/cgroup`, "utf8");
        return command.includes(folder) || cgroup.includes(host.fabric.replace("-fabric", ""))
          ? [command]
          : [];
      } catch {
        return [];
      }
    });
  const loops = (await run(["losetup", "-a"])).split("\n");
  return [
    ...processes,
    ...networkNamespaces().filter((network) => host.networks.test(network)),
    ...loops.filter((line) => disks.some((inode) => line.includes(`]:${inode} `))),
    ...readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .filter((line) => line.includes(folder)),
    ...(existsSync(host.cgroup) ? [host.cgroup] : []),
    ...(existsSync(folder) ? [folder] : []),
  ];
}

function disksOf(name: string): readonly number[] {
  const folder = join(labFolder(name), "nodes");
  return readdirSync(folder).map((node) => statSync(join(folder, node, "disk.img")).ino);
}

/** The boot id of a node: another one after each start. */
async function bootId(name: string, node: string): Promise<string> {
  return run([...labSsh(name, node), "cat /proc/sys/kernel/random/boot_id"]);
}

describe("up", () => {
  test("twice is the same as once", async () => {
    const first = await labUp({ name: "one", count: parseNodeCount("2") });
    expect(first.state).toBe("running");
    const inventory = readFileSync(`${first.inventory}`, "utf8");
    const boots = [await bootId("one", "cp1"), await bootId("one", "w1")];
    const second = await labUp({ name: "one" });
    expect(second.nodes.map(({ uptime, ...rest }) => rest)).toEqual(
      first.nodes.map(({ uptime, ...rest }) => rest),
    );
    expect(readFileSync(`${second.inventory}`, "utf8")).toBe(inventory);
    expect([await bootId("one", "cp1"), await bootId("one", "w1")]).toEqual(boots);
  });

  test("with more nodes adds them, and all know each other", async () => {
    const boot = await bootId("one", "cp1");
    const { nodes } = await labUp({ name: "one", count: parseNodeCount("2+2") });
    expect(nodes.map(({ name }) => name)).toEqual(["cp1", "cp2", "w1", "w2"]);
    expect(await bootId("one", "cp1")).toBe(boot);
    await run([...labSsh("one", "w1"), "ping -c1 -W2 cp2"]);
    await run([...labSsh("one", "cp2"), "ping -c1 -W2 w1"]);
    const ca = (node: string) => run([...labSsh("one", node), "cat /etc/kubernetes/pki/ca.crt"]);
    expect(await ca("cp2")).toBe(await ca("cp1"));
  });

  test("with fewer nodes is refused, and nothing changes", async () => {
    const before = labStatus("one");
    const less = labUp({ name: "one", count: parseNodeCount("1+1") });
    await expect(less).rejects.toThrow(PreconditionError);
    await expect(less).rejects.toMatchObject({ hint: expect.stringContaining("kbreak lab down") });
    expect(labStatus("one").nodes.map(({ name }) => name)).toEqual(before.nodes.map(({ name }) => name));
  });

  test("of another lab at the same time leaves the first alone", async () => {
    const boot = await bootId("one", "cp1");
    const two = await labUp({ name: "two", count: parseNodeCount("1") });
    const ports = [...two.nodes, ...labStatus("one").nodes].map(({ sshPort }) => sshPort);
    expect(new Set(ports).size).toBe(ports.length);
    const ids = await Promise.all(
      ["one", "two"].map((lab) => run([...labSsh(lab, "cp1"), "cat /etc/machine-id"])),
    );
    expect(ids[0]).not.toBe(ids[1]);
    await labDown("two");
    expect(await bootId("one", "cp1")).toBe(boot);
  });

  test("twice at the same time is the same as once", async () => {
    const both = [
      labUp({ name: "two", count: parseNodeCount("2") }),
      labUp({ name: "two", count: parseNodeCount("2") }),
    ];
    const [first, second] = await Promise.all(both);
    expect(first?.nodes.map(({ sshPort }) => sshPort)).toEqual(second?.nodes.map(({ sshPort }) => sshPort));
  });
});

describe("a power cut", () => {
  test("ends the node, whose disk and identity the next start finds again, but not its network's state", async () => {
    const lab = await useLab({ fresh: true, nodes: "1" });
    try {
      const node = lab.node("cp1");
      const boot = await node.exec("cat /proc/sys/kernel/random/boot_id");
      await node.exec(
        "echo kept >/root/kept; sync; iptables -A INPUT -p tcp --dport 9 -j DROP; echo x >/run/x",
      );
      await node.powerCut();
      expect(labStatus(lab.name)).toMatchObject({ state: "stopped", nodes: [{ state: "stopped" }] });
      await node.start();
      expect((await node.exec("cat /root/kept /etc/machine-id")).stdout).toBe(
        `kept\n${node.identity.machineId}\n`,
      );
      expect((await node.exec("iptables -S INPUT; ls /run/x 2>&1")).stdout).not.toMatch(/DROP|^\/run\/x/);
      expect((await node.exec("cat /proc/sys/kernel/random/boot_id")).stdout).not.toBe(boot.stdout);
    } finally {
      await lab.down();
    }
  });

  test("is mended by up", async () => {
    const lab = await useLab({ fresh: true, nodes: "1+1" });
    try {
      await lab.node("w1").powerCut();
      expect(labStatus(lab.name).state).toBe("partial");
      const mended = await labUp({ name: lab.name });
      expect(mended.state).toBe("running");
      expect(mended.nodes.map(({ sshPort }) => sshPort)).toEqual(lab.nodes.map(({ access }) => access.port));
      expect((await lab.node("w1").exec("hostname")).stdout).toBe("w1\n");
    } finally {
      await lab.down();
    }
  });
});

describe("down", () => {
  test("leaves nothing, and once more changes nothing", async () => {
    await labUp({ name: "two", count: parseNodeCount("2") });
    const disks = disksOf("two");
    expect((await leftovers("two", disks)).length).toBeGreaterThan(8);
    await labDown("two");
    expect(await leftovers("two", disks)).toEqual([]);
    await labDown("two");
    expect(labStatus("two")).toEqual({ name: "two", state: "absent", nodes: [] });
  });

  test("ends a lab whose folder somebody has removed", async () => {
    await labUp({ name: "two", count: parseNodeCount("1") });
    const disks = disksOf("two");
    await run(["rm", "-rf", labFolder("two")]);
    await labDown("two");
    expect(await leftovers("two", disks)).toEqual([]);
  });
});

describe("kill -9 of up", () => {
  let project = "";
  beforeAll(async () => {
    project = await compiled();
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  /** Starts `labUp` in a process of its own and kills it after `delay` ms. True when it was still at work. */
  async function killedAfter(delay: number): Promise<boolean> {
    const script = `const { labUp } = await import(process.argv[1]); await labUp({ name: "killed", count: { controlPlanes: 1, workers: 1 } });`;
    const child = spawn(
      process.execPath,
      ["--input-type=module", "-e", script, join(project, "src/lab/lab.js")],
      {
        stdio: "inherit",
      },
    );
    const ended = new Promise<boolean>((done) =>
      child.once("close", (_, signal) => done(signal === "SIGKILL")),
    );
    setTimeout(() => child.kill("SIGKILL"), delay);
    return ended;
  }

  test.each([90, 120, 160, 200, 250, 320, 400, 600, 900, 1200])(
    "after %d ms: the next one works",
    async (delay) => {
      // Up takes more than a second; one that was not killed would prove nothing.
      expect((await killedAfter(delay)) || delay > 500).toBe(true);
      const lab = await labUp({ name: "killed", count: parseNodeCount("1+1") });
      expect(lab.state).toBe("running");
      const health =
        "cd /etc/kubernetes/pki/etcd && etcdctl --cacert ca.crt --cert healthcheck-client.crt --key healthcheck-client.key --endpoints https://127.0.0.1:2379 endpoint health 2>&1";
      expect(await run([...labSsh("killed", "cp1"), health])).toContain("is healthy");
      await run([...labSsh("killed", "w1"), "ping -c1 -W2 cp1"]);
      const disks = disksOf("killed");
      await labDown("killed");
      expect(await leftovers("killed", disks)).toEqual([]);
    },
  );

  test.each([100, 200, 400, 800])("after %d ms: down leaves nothing", async (delay) => {
    await killedAfter(delay);
    await labDown("killed");
    expect(await leftovers("killed", [])).toEqual([]);
  });
});

test("twenty nodes come up", async () => {
  const lab = await labUp({ name: "many", count: parseNodeCount("20") });
  expect(lab.nodes.filter(({ state }) => state === "running")).toHaveLength(20);
  const disks = disksOf("many");
  await labDown("many");
  expect(await leftovers("many", disks)).toEqual([]);
}, 300_000);

test("ssh to a lab or node that is not there says what there is", async () => {
  expect(() => labSsh("nowhere", "cp1")).toThrow(PreconditionError);
  expect(() => labSsh("one", "w9")).toThrow(UsageError);
  expect(() => labSsh("one", "w9")).toThrow(/it has cp1, cp2, w1, w2/);
});
