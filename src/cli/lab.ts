import { type Command, Option } from "commander";
import type { LabStatus } from "../lab/types.ts";

type Output = "table" | "json";

interface UpFlags {
  readonly name: string;
  readonly nodes?: string;
  readonly provider?: string;
  readonly kubernetes?: boolean;
  readonly binaries?: string;
  readonly output: Output;
}

const examples = `
Examples:
  kbreak lab up                    one control plane and one worker
  kbreak lab up --nodes 3          one control plane and two workers
  kbreak lab up --nodes 2+3        two control planes and three workers
  kbreak lab up --provider vm      virtual machines: kernels of their own
  kbreak lab up --kubernetes       a real Kubernetes with a workload
  kbreak lab up --provider kind    a Kubernetes of kind's, where Docker and kind are
  kbreak lab ssh cp1               a shell on a node
  kbreak lab ssh cp1 -- etcdctl version
  kbreak lab down`;

/** Adds `kbreak lab up|down|status|ssh`. */
export function register(program: Command): void {
  const lab = program
    .command("lab")
    .description("Practice nodes on this machine: the layout of kubeadm nodes, ready in seconds")
    .addHelpText("after", examples);
  const name = () => new Option("--name <name>", "which lab").default("lab");
  const output = () =>
    new Option("-o, --output <format>", "how to print it").choices(["table", "json"]).default("table");

  lab
    .command("up")
    .description("Make a lab, or bring up what is down of it; once more changes nothing")
    .addOption(name())
    .option("--nodes <number>", "3: a control plane and 2 workers; 2+3: 2 control planes and 3 workers")
    .option(
      "--provider <kind>",
      "what new nodes are: namespace (the kernel of this machine), vm (one of their own; vm=w1,w2: these nodes only), or kind (containers of Docker with a Kubernetes)",
    )
    .option("--kubernetes", "a real Kubernetes on the nodes, with a workload to break")
    .option("--binaries <folder>", "the programs of the Kubernetes; default: the cache, else a release")
    .addOption(output())
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak lab up\n  kbreak lab up --kubernetes\n  kbreak lab up --nodes 2+3\n  kbreak lab up --nodes 1+2 --provider vm=w2\n",
    )
    .action(up);
  lab
    .command("down")
    .description("End the lab and remove all of it, its nodes' disks too")
    .addOption(name())
    .addHelpText("after", "\nExamples:\n  kbreak lab down\n")
    .action(down);
  lab
    .command("status")
    .description("Show the nodes and whether they run")
    .addOption(name())
    .addOption(output())
    .addHelpText("after", "\nExamples:\n  kbreak lab status\n  kbreak lab status -o json\n")
    .action(status);
  lab
    .command("ssh <node> [command...]")
    .description("Log in to a node as root, or run a command there")
    .addOption(name())
    .option("--rescue", "by the node's console: works without its network and its ssh server")
    .addHelpText(
      "after",
      "\nExamples:\n  kbreak lab ssh cp1\n  kbreak lab ssh cp1 -- etcdctl version\n  kbreak lab ssh --rescue cp1\n",
    )
    .action(ssh);
}

async function up({ name, nodes, provider, kubernetes, binaries, output }: UpFlags): Promise<void> {
  const { parseNodeCount } = await import("../lab/nodes.ts");
  const count = nodes === undefined ? {} : { count: parseNodeCount(nodes) };
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  const { isKindLab, kindUp } = await import("../lab/kind/lab.ts");
  if (provider === "kind" || isKindLab(name)) {
    const { UsageError } = await import("../errors.ts");
    if ((provider ?? "kind") !== "kind" || binaries !== undefined)
      throw new UsageError(
        `lab ${name} is of kind's nodes, which take neither another provider nor other programs`,
        {
          hint: `kbreak lab down --name ${name}, or another name`,
        },
      );
    await print(await kindUp({ name, ...count, progress }), output);
    return;
  }
  const { labUp } = await import("../lab/lab.ts");
  const { parseProvider } = await import("../lab/providers.ts");
  const kind = provider === undefined ? {} : { provider: parseProvider(provider) };
  if (binaries !== undefined && !kubernetes) {
    const { UsageError } = await import("../errors.ts");
    throw new UsageError("--binaries goes with --kubernetes", {
      hint: `kbreak lab up --kubernetes --binaries ${binaries}`,
    });
  }
  const wish = kubernetes ? { kubernetes: binaries === undefined ? {} : { binaries } } : {};
  await print(await labUp({ name, ...count, ...kind, ...wish, progress }), output);
}

async function down({ name }: { readonly name: string }): Promise<void> {
  const [{ labDown }, { kindDown }, { dataFolder }, { endRunsOf }] = await Promise.all([
    import("../lab/lab.ts"),
    import("../lab/kind/lab.ts"),
    import("../lab/folders.ts"),
    import("../engine/runs.ts"),
  ]);
  const { inventory } = await statusOf(name);
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  await kindDown(name, progress);
  await labDown(name, progress);
  if (inventory !== undefined) endRunsOf(dataFolder(), inventory);
}

async function status({ name, output }: UpFlags): Promise<void> {
  await print(await statusOf(name), output);
}

async function statusOf(name: string): Promise<LabStatus> {
  const { isKindLab, kindStatus } = await import("../lab/kind/lab.ts");
  if (isKindLab(name)) return kindStatus(name);
  const { labStatus } = await import("../lab/lab.ts");
  return labStatus(name);
}

async function ssh(
  node: string,
  command: readonly string[],
  { name, rescue }: { readonly name: string; readonly rescue?: boolean },
): Promise<void> {
  const [{ labRescue, labSsh }, { runAttached }, { isKindLab, kindShell }] = await Promise.all([
    import("../lab/lab.ts"),
    import("../lab/command.ts"),
    import("../lab/kind/lab.ts"),
  ]);
  if (isKindLab(name)) {
    // It is a way without network and ssh server in any case.
    process.exitCode = await runAttached(await kindShell(name, node, command, process.stdin.isTTY === true));
    return;
  }
  if (rescue) {
    // As ssh does: the words become one line for the node's shell.
    process.exitCode = await labRescue(name, node, command.length === 0 ? undefined : command.join(" "));
    return;
  }
  process.exitCode = await runAttached([...labSsh(name, node), ...command]);
}

/** `75` s as `1m`, as kubectl shows an age. */
function age(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

async function print(lab: LabStatus, output: Output): Promise<void> {
  if (output === "json") {
    process.stdout.write(`${JSON.stringify(lab, undefined, 2)}\n`);
    return;
  }
  if (lab.state === "absent") {
    process.stderr.write(`there is no lab ${lab.name}; kbreak lab up --name ${lab.name} makes it\n`);
    return;
  }
  const { columns } = await import("../render/columns.ts");
  const rows = lab.nodes.map((node) => [
    node.name,
    node.role,
    node.provider,
    node.state,
    node.uptime === undefined ? "-" : age(node.uptime),
    node.address,
    node.sshPort === undefined ? "-" : `127.0.0.1:${node.sshPort}`,
  ]);
  if (lab.kubernetes !== undefined) {
    const { version, page, kubeconfig } = lab.kubernetes;
    process.stderr.write(`Kubernetes ${version}; its page: ${page}; KUBECONFIG=${kubeconfig}\n`);
  }
  if (lab.kubeconfig !== undefined) process.stderr.write(`KUBECONFIG=${lab.kubeconfig}\n`);
  process.stdout.write(columns([["NAME", "ROLE", "PROVIDER", "STATE", "UPTIME", "ADDRESS", "SSH"], ...rows]));
}
