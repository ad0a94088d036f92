import { createInterface } from "node:readline/promises";
import { ConnectError, EnrolmentError, messageOf, UsageError } from "../errors.ts";
import { readEnrolment, writeEnrolment } from "../inventory/enrolment.ts";
import { identify } from "../inventory/identify.ts";
import type { Enrolment, Identity, Inventory, InventoryNode } from "../inventory/types.ts";
import { columns } from "../render/columns.ts";
import { connect } from "../transport/connect.ts";

export interface EnrolOptions {
  /** True: nobody is asked. */
  readonly yes: boolean;
  /** Names of nodes that are enrolled already and are taken as what they are now. */
  readonly replace: readonly string[];
}

/**
 * Enrols those of `nodes` that are not enrolled yet, or are to be replaced: looks at each, shows on standard error
 * what it found, and asks for the lab's name. Nodes that cannot be reached are left out.
 * @returns the enrolment as it is on disk now.
 * @throws UsageError without a terminal and without `yes`; EnrolmentError when the name is not the lab's;
 * ConnectError when nodes were left out, after the others have been enrolled.
 */
export async function enrol(
  inventory: Inventory,
  nodes: readonly InventoryNode[],
  options: EnrolOptions,
): Promise<Enrolment> {
  const enrolment = await readEnrolment(inventory);
  const wanted = nodes.filter(
    ({ name }) => options.replace.includes(name) || !Object.hasOwn(enrolment.nodes, name),
  );
  if (wanted.length === 0) return enrolment;
  if (!options.yes) requireTerminal(inventory);

  const looks = await Promise.all(wanted.map(look));
  const seen = looks.filter((each) => "identity" in each);
  const failed = looks.filter((each) => "failure" in each);
  if (seen.length > 0) {
    show(inventory, seen, enrolment);
    if (!options.yes) await askForName(inventory);
  }
  const found = seen.map(({ node, identity }) => [node.name, identity] as const);
  const next: Enrolment = { ...enrolment, nodes: { ...enrolment.nodes, ...Object.fromEntries(found) } };
  if (found.length > 0) await writeEnrolment(inventory, next);
  if (failed.length > 0) throw leftOut(inventory, failed);
  return next;
}

interface Seen {
  readonly node: InventoryNode;
  readonly identity: Identity;
}

interface Failure {
  readonly node: InventoryNode;
  readonly failure: string;
}

async function look(node: InventoryNode): Promise<Seen | Failure> {
  try {
    const connection = await connect(node, { hostKey: undefined });
    try {
      return { node, identity: await identify(connection) };
    } finally {
      await connection.close();
    }
  } catch (error) {
    return { node, failure: messageOf(error) };
  }
}

function requireTerminal(inventory: Inventory): void {
  if (process.stdin.isTTY && process.stderr.isTTY) return;
  throw new UsageError(
    `the lab "${inventory.name}" has nodes that are not enrolled, and there is no terminal to ask`,
    {
      hint: `kbreak inventory enrol -i ${inventory.file} --yes`,
    },
  );
}

function show(inventory: Inventory, seen: readonly Seen[], enrolment: Enrolment): void {
  const rows = seen.map(({ node, identity }) => [
    node.name,
    node.command === undefined
      ? `${node.host ?? node.name}${node.port === undefined ? "" : `:${node.port}`}`
      : node.command,
    identity.hostKey ?? "-",
    identity.machineId,
    Object.hasOwn(enrolment.nodes, node.name) ? "replaces another" : "new",
  ]);
  const table = columns([["NODE", "ADDRESS", "HOST KEY", "MACHINE-ID", ""], ...rows]);
  process.stderr.write(
    `Nodes of the lab "${inventory.name}", which kbreak may break from now on:\n\n${table}\n`,
  );
  for (const names of sameMachines(seen, enrolment)) {
    process.stderr.write(
      `Warning: ${names.join(" and ")} have the same machine-id: one machine under two names, or copies of one disk.\n`,
    );
  }
}

function sameMachines(seen: readonly Seen[], enrolment: Enrolment): readonly (readonly string[])[] {
  const found = seen.map(({ node, identity }) => [node.name, identity] as const);
  const all = Object.entries({ ...enrolment.nodes, ...Object.fromEntries(found) });
  const machines = new Set(found.map(([, { machineId }]) => machineId));
  return [...machines]
    .map((id) => all.filter(([, { machineId }]) => machineId === id).map(([name]) => name))
    .filter((names) => names.length > 1);
}

async function askForName(inventory: Inventory): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const stop = new AbortController();
  // Without it, the end of the input (Ctrl-D) would leave the question open for ever.
  terminal.once("close", () => stop.abort());
  try {
    const answer = await terminal
      .question(`Type the lab's name to say that these are yours to break: `, { signal: stop.signal })
      .catch(() => "");
    if (answer.trim() === inventory.name) return;
    throw new EnrolmentError(`that is not the name of the lab: nothing was enrolled`, {
      hint: `the name is the \`name\` in ${inventory.file}`,
    });
  } finally {
    terminal.close();
  }
}

function leftOut(inventory: Inventory, failed: readonly Failure[]): ConnectError {
  const reasons = failed.map(({ failure, node }) =>
    failure.includes(node.name) ? failure : `${node.name}: ${failure}`,
  );
  return new ConnectError(`not enrolled:\n${reasons.join("\n")}`, {
    hint: `when they can be reached: kbreak inventory enrol -i ${inventory.file}`,
  });
}
