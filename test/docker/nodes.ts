import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { parse } from "yaml";
import { enrol } from "../../src/cli/enrol.ts";
import { importKind } from "../../src/inventory/import-kind.ts";
import { loadInventory } from "../../src/inventory/load.ts";
import type { Enrolment, Role } from "../../src/inventory/types.ts";
import { ensureImage } from "../../src/lab/image/image.ts";
import { ensureCluster } from "../../src/lab/kubeadm/cluster.ts";
import { kubeadmFiles } from "../../src/lab/kubeadm/files.ts";
import { type TreeEntry, writeTree } from "../../src/lab/tree.ts";
import type { TestLab, TestNode } from "../support/lab.ts";
import type { Engine } from "./engine.ts";

/** The name of the cluster that the containers say they are of. */
export const cluster = "show";
const image = "node";

/** Docker gives them another address at each start, so what listens does so on the one that stays. */
const address = "127.0.0.1";
const members = [
  { name: `${cluster}-control-plane`, role: "control-plane", address },
  { name: `${cluster}-worker`, role: "worker", address },
] as const;

/**
 * Containers as kind makes them, of the practice nodes' root and a kubeadm node's files, with systemd, and with a
 * load balancer beside them. As in kind each start makes a new machine-id.
 */
export async function startKindNodes(engine: Engine): Promise<void> {
  await engine.image([await ensureImage(() => {})], image);
  const folder = mkdtempSync(join(tmpdir(), "kbreak-kind-"));
  try {
    for (const node of members) {
      const files = await kubeadmFiles(await ensureCluster(folder), node, members[0]);
      await create(engine, node.name, node.role, "exec /lib/systemd/systemd", files);
      await engine.docker("start", node.name);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const balancer = `${cluster}-external-load-balancer`;
  await create(engine, balancer, "external-load-balancer", "exec sleep infinity");
  await engine.docker("start", balancer);
  for (const { name } of members) await ready(engine, name);
}

/** Makes a container in the place of one that is removed. */
export async function replaceNode(engine: Engine, name: string): Promise<void> {
  await engine.docker("rm", "--force", name);
  await create(engine, name, "worker", "exec /lib/systemd/systemd");
  await engine.docker("start", name);
  await ready(engine, name);
}

/** They have no keys and no terminal in a container, and fail there sooner or later. */
const masks: readonly TreeEntry[] = ["ssh.service", "getty@tty1.service"].map((unit) => ({
  path: `/etc/systemd/system/${unit}`,
  target: "/dev/null",
}));

async function create(
  engine: Engine,
  name: string,
  role: string,
  command: string,
  files: readonly TreeEntry[] = [],
): Promise<void> {
  await engine.docker(
    ...["create", "--name", name, "--hostname", name, "--privileged", "--cgroupns=private"],
    ...["--tmpfs", "/run", "--tmpfs", "/tmp", "--env", "container=docker"],
    ...["--label", `io.x-k8s.kind.cluster=${cluster}`, "--label", `io.x-k8s.kind.role=${role}`],
    ...[image, "sh", "-c", `tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id; ${command}`],
  );
  const tree = mkdtempSync(join(tmpdir(), "kbreak-files-"));
  try {
    chmodSync(tree, 0o755);
    writeTree(tree, [...masks, ...files]);
    await engine.copy(tree, name);
  } finally {
    rmSync(tree, { recursive: true });
  }
}

async function ready(engine: Engine, name: string): Promise<void> {
  const inside = (...words: readonly string[]) => engine.attempt("exec", name, "systemctl", ...words);
  const isReady = async () => {
    const { code, stdout, stderr } = await inside("is-system-running");
    if (code === 0) return;
    const failed = await inside("list-units", "--failed", "--plain", "--no-legend");
    const waiting = await inside("list-jobs", "--no-legend");
    throw new Error(`${name} is ${stdout}${stderr}${failed.stdout}${waiting.stdout}`);
  };
  await vi.waitFor(isReady, { timeout: 60_000, interval: 200 });
}

/** The lab that `inventory import kind` and `inventory enrol` make of them. `folder` is for its inventory. */
export async function kindLab(engine: Engine, folder: string): Promise<TestLab> {
  const file = join(folder, "kind.yaml");
  const text = await importKind(cluster);
  writeFileSync(file, text);
  const inventory = await loadInventory(file);
  const enrolment: Enrolment = await enrol(inventory, inventory.nodes, { yes: true, replace: [] });
  const roles = parse(text).nodes as Readonly<Record<string, { readonly roles: readonly Role[] }>>;
  const nodes = inventory.nodes.map((access): TestNode => {
    const { name } = access;
    const identity = enrolment.nodes[name];
    if (identity === undefined) throw new Error(`${name} is not enrolled: ${readFileSync(file, "utf8")}`);
    const exec = (command: string) => engine.attempt("exec", name, "sh", "-c", command);
    return {
      name,
      role: roles[name]?.roles[0] ?? "worker",
      provider: "kind",
      access,
      identity,
      exec,
      run: exec,
      powerCut: async () => void (await engine.docker("kill", name)),
      start: async () => {
        await engine.docker("start", name);
        await ready(engine, name);
      },
    };
  });
  return {
    name: inventory.name,
    inventory: file,
    nodes,
    node(wanted) {
      const found = nodes.find(({ name }) => name === wanted);
      if (found === undefined) throw new Error(`no node ${wanted}`);
      return found;
    },
    down: async () => {},
  };
}
