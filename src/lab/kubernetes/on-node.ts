import { KbreakError } from "../../errors.ts";
import type { Ran } from "../command.ts";
import { attempt } from "../command.ts";
import { enterNode } from "../namespace/enter.ts";
import type { LabNode } from "../nodes.ts";
import type { Lab } from "../types.ts";

/** What a command reads from its standard input; default: nothing. */
export interface Input {
  readonly text?: string;
  /** Path of a file of this host. */
  readonly file?: string;
}

/** Runs a command on a node whatever its network does, and waits for its end. */
export function onNode(lab: Lab, node: LabNode, command: string, input: Input = {}): Promise<Ran> {
  const argv = enterNode(lab, node, command);
  if (input.file === undefined) return attempt(argv, { input: input.text ?? "" });
  return attempt(["sh", "-c", 'exec <"$1" && shift && exec "$@"', "sh", input.file, ...argv]);
}

/** Lines of a log without those that only repeat an earlier one at another time. */
function distinct(lines: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return lines.filter((line) => {
    // klog and containerd begin their lines with the time.
    const message = line.replace(/^[EF]\d{4} \S+ +\d+ |^time="[^"]*" /, "");
    if (seen.has(message)) return false;
    seen.add(message);
    return true;
  });
}

/** What the log of a node's kubelet and containerd says last that is not information. */
async function journal(lab: Lab, node: LabNode): Promise<string> {
  const show =
    "journalctl --no-pager --output cat --boot -u kubelet -u containerd | grep -E '^[EF][0-9]{4} |level=(error|fatal)|panic' | tail -n 200";
  const lines = (await onNode(lab, node, show)).stdout.trim().split("\n");
  return distinct(lines).slice(-8).join("\n");
}

/**
 * The lines of a program's output that tell why it failed: those that kubeadm marks, and its last ones.
 * @param said All that it wrote.
 */
export function telling(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "" && !line.includes("[WARNING"));
  const marked = lines.filter((line) => /\[ERROR|^\s*error|\bfailed to\b|timed out|unhealthy/i.test(line));
  return [...new Set([...marked.slice(-8), ...lines.slice(-4)])].join("\n");
}

/**
 * Does a step of the making of a cluster on one node, and gives its standard output.
 * @param title What it is, for a person.
 * @throws KbreakError with the lines of the node's logs that matter.
 */
export async function step(
  lab: Lab,
  node: LabNode,
  title: string,
  command: string,
  input: Input = {},
): Promise<string> {
  const { code, stdout, stderr } = await onNode(lab, node, command, input);
  if (code === 0) return stdout;
  const log = await journal(lab, node);
  throw new KbreakError(
    `${title} failed on ${node.name}:\n${telling(`${stdout}\n${stderr}`)}${log && `\nkubelet and containerd say:\n${log}`}`,
    { target: node.name },
  );
}
