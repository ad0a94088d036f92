import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Enrolment, Identity, Role } from "../../src/inventory/types.ts";
import type { Ran } from "../../src/lab/command.ts";
import { attempt } from "../../src/lab/command.ts";
import { labDown, labSsh, labStatus, labUp, powerCut, startNode } from "../../src/lab/lab.ts";
import type { NodeCount } from "../../src/lab/nodes.ts";
import { parseNodeCount } from "../../src/lab/nodes.ts";
import type { LabStatus, Progress, ProviderName } from "../../src/lab/types.ts";
import type { NodeAccess } from "../../src/transport/transport.ts";

export interface TestNode {
  readonly name: string;
  readonly role: Role;
  readonly provider: LabStatus["nodes"][number]["provider"];
  readonly access: NodeAccess;
  readonly identity: Identity;
  /** Runs a command as a fixer would: by the system's ssh, as root unless told otherwise. */
  exec(command: string, user?: "root" | "lab"): Promise<Ran>;
  /**
   * The same as root, over a login that is kept for the next one where a login takes more than a second, as on an
   * emulated machine.
   */
  run(command: string): Promise<Ran>;
  /** Ends the node at once; its disk stays. */
  powerCut(): Promise<void>;
  /** Starts it again and waits until it is ready. */
  start(): Promise<void>;
}

export interface TestLab {
  readonly name: string;
  /** Path of its inventory; `<inventory>.lock` enrols its nodes. */
  readonly inventory: string;
  readonly nodes: readonly TestNode[];
  /** The node of this name, such as `cp1` or `w1`. */
  node(name: string): TestNode;
  /** Takes the lab down. The shared lab is left to the end of the test run. */
  down(): Promise<void>;
}

export interface LabWish {
  /** As `--nodes` takes it; default `1+1`. The shared lab may have more. */
  readonly nodes?: string;
  /** The kind of its nodes; default: namespace nodes. */
  readonly provider?: ProviderName;
  /** True: with a real Kubernetes. */
  readonly kubernetes?: boolean;
  /** True: a lab that nobody has touched, of exactly this size, for the caller alone. Default: the shared one. */
  readonly fresh?: boolean;
  /** Default: silent. */
  readonly progress?: Progress;
}

/** Test files run side by side, each worker of vitest with nodes of its own. */
const sharedLab = (kind: string) => `shared-${kind}-${process.env.VITEST_POOL_ID ?? "1"}`;
let made = 0;

function testNode(lab: LabStatus, enrolment: Enrolment, name: string): TestNode {
  const status = lab.nodes.find((node) => node.name === name);
  const identity = enrolment.nodes[name];
  if (status === undefined || identity?.hostKey === undefined)
    throw new Error(`no node ${name} in ${lab.name}`);
  const ssh = labSsh(lab.name, name);
  const exec: TestNode["exec"] = (command, user = "root") =>
    attempt([...labSsh(lab.name, name, user), command]);
  const kept = keptLogin(ssh, lab.name, name);
  return {
    name,
    role: status.role,
    provider: status.provider,
    access: {
      name,
      host: "127.0.0.1",
      port: status.sshPort ?? 0,
      user: "root",
      key: ssh[ssh.indexOf("-i") + 1] ?? "",
    },
    identity: { ...identity, hostKey: identity.hostKey },
    exec,
    run: status.provider === "vm" ? kept.run : exec,
    async powerCut() {
      await kept.end();
      await powerCut(lab.name, name);
    },
    start: () => startNode(lab.name, name),
  };
}

/** A login that ssh itself keeps, and ends when nobody has used it for some seconds. */
function keptLogin(ssh: readonly string[], lab: string, node: string) {
  const [program = "", ...words] = ssh;
  const socket = join(process.env.KBREAK_DATA_DIR ?? tmpdir(), `${lab}-${node}.ssh`);
  const shared = [program, "-o", `ControlPath=${socket}`];
  return {
    run: (command: string) =>
      attempt([...shared, "-o", "ControlMaster=auto", "-o", "ControlPersist=15", ...words, command]),
    end: () => attempt([...shared, "-O", "exit", ...words]),
  };
}

/** The size of a lab that has what it had and what is wanted. */
function atLeast(lab: string, wanted: NodeCount): NodeCount {
  const { nodes } = labStatus(lab);
  const have = (role: Role) => nodes.filter((node) => node.role === role).length;
  return {
    controlPlanes: Math.max(wanted.controlPlanes, have("control-plane")),
    workers: Math.max(wanted.workers, have("worker")),
  };
}

/**
 * Real nodes for a test file: call it in `beforeAll` and `down()` in `afterAll`. The shared lab is booted once for
 * the whole test run: leave its nodes as they were.
 */
export async function useLab(wish: LabWish = {}): Promise<TestLab> {
  if (process.env.KBREAK_DATA_DIR === undefined) {
    throw new Error(
      "KBREAK_DATA_DIR is not set: vitest.config.ts needs globalSetup test/support/lab-setup.ts",
    );
  }
  const wanted = parseNodeCount(wish.nodes ?? "1+1");
  const provider = wish.provider ?? "namespace";
  made += 1;
  const name = wish.fresh
    ? `fresh-${process.pid}-${made}`
    : sharedLab(wish.kubernetes ? "kubernetes" : provider);
  const count = wish.fresh ? wanted : atLeast(name, wanted);
  const more = {
    ...(wish.kubernetes ? { kubernetes: {} } : {}),
    ...(wish.progress === undefined ? {} : { progress: wish.progress }),
  };
  const status = await labUp({ name, count, provider: { provider }, ...more });
  const inventory = status.inventory ?? "";
  const enrolment: Enrolment = JSON.parse(readFileSync(`${inventory}.lock`, "utf8"));
  const nodes = status.nodes.map((node) => testNode(status, enrolment, node.name));
  return {
    name,
    inventory,
    nodes,
    node(wantedName) {
      const found = nodes.find((node) => node.name === wantedName);
      if (found === undefined) throw new Error(`no node ${wantedName} in lab ${name}`);
      return found;
    },
    down: () => (wish.fresh ? labDown(name) : Promise.resolve()),
  };
}
