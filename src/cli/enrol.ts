import { createInterface } from "node:readline/promises";
import { ConnectError, EnrolmentError, InterruptedError, messageOf, UsageError } from "../errors.ts";
import { checkIdentity, machineOf, readEnrolment, writeEnrolment } from "../inventory/enrolment.ts";
import { identify } from "../inventory/identify.ts";
import type { Enrolment, Identity, Inventory, InventoryNode } from "../inventory/types.ts";
import { columns } from "../render/columns.ts";
import { connect } from "../transport/connect.ts";
import { addressOf } from "./address.ts";
import { isInteractive } from "./options.ts";

export interface EnrolOptions {
  /** True: nobody is asked. */
  readonly yes: boolean;
  /** Names of nodes that are enrolled already and are taken as what they are now. */
  readonly replace: readonly string[];
}

/**
 * Looks at `nodes`. Those that are not enrolled yet, or are to be replaced, are shown on standard error and enrolled
 * when a person has typed the lab's name; the others must still be the machines that they were. Nodes that cannot be
 * reached are left out.
 * @returns the enrolment as it is on disk now.
 * @throws UsageError without a terminal and without `yes`; EnrolmentError when the name is not the lab's, or a node is
 * another machine now; ConnectError when nodes were left out, after the others have been enrolled.
 */
export async function enrol(
  inventory: Inventory,
  nodes: readonly InventoryNode[],
  options: EnrolOptions,
): Promise<Enrolment> {
  const enrolment = await readEnrolment(inventory);
  const isKnown = ({ name }: InventoryNode) =>
    Object.hasOwn(enrolment.nodes, name) && !options.replace.includes(name);
  if (!options.yes && !nodes.every(isKnown)) requireTerminal(inventory);

  const looks = await Promise.all(nodes.map(look));
  const seen = looks.filter((each) => "identity" in each);
  const changed = seen
    .filter(({ node }) => isKnown(node))
    .flatMap((each) => change(inventory, enrolment, each));
  const found = seen.filter(({ node }) => !isKnown(node));
  const next = found.length === 0 ? enrolment : await enrolFound(inventory, enrolment, found, options.yes);
  if (changed.length > 0) throw changedError(changed);
  const failed = looks.filter((each) => "failure" in each);
  if (failed.length > 0) throw leftOut(inventory, failed);
  return next;
}

async function enrolFound(
  inventory: Inventory,
  enrolment: Enrolment,
  found: readonly Seen[],
  yes: boolean,
): Promise<Enrolment> {
  const identities = found.map(({ node, identity }) => [node.name, identity] as const);
  const next = { ...enrolment, nodes: { ...enrolment.nodes, ...Object.fromEntries(identities) } };
  show(inventory, found, enrolment, next);
  if (!yes) await askForName(inventory);
  await writeEnrolment(inventory, next);
  return next;
}

function change(
  inventory: Inventory,
  enrolment: Enrolment,
  { node, identity }: Seen,
): readonly EnrolmentError[] {
  try {
    checkIdentity(inventory, enrolment, node.name, identity);
    return [];
  } catch (error) {
    if (error instanceof EnrolmentError) return [error];
    throw error;
  }
}

function changedError(changed: readonly EnrolmentError[]): EnrolmentError {
  const [first] = changed;
  if (changed.length === 1 && first !== undefined) return first;
  return new EnrolmentError(changed.map(({ message }) => message).join("\n"), {
    hint: "make sure that they are your lab's, then: kbreak inventory enrol --replace NODES",
  });
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
  if (isInteractive()) return;
  throw new UsageError(
    `the lab "${inventory.name}" has nodes that are not enrolled, and there is no terminal to ask`,
    {
      hint: `kbreak inventory enrol -i ${inventory.file} --yes`,
    },
  );
}

function show(inventory: Inventory, found: readonly Seen[], before: Enrolment, next: Enrolment): void {
  const rows = found.map(({ node, identity }) => [
    node.name,
    addressOf(node),
    identity.hostKey ?? "-",
    machineOf(identity),
    Object.hasOwn(before.nodes, node.name) ? "replaces another" : "new",
  ]);
  const table = columns([["NODE", "ADDRESS", "HOST KEY", "MACHINE OR CONTAINER", ""], ...rows]);
  process.stderr.write(
    `Nodes of the lab "${inventory.name}", which kbreak may break from now on:\n\n${table}\n`,
  );
  for (const names of sameMachines(found, next)) {
    process.stderr.write(
      `Warning: ${names.join(" and ")} have the same machine-id: one machine under two names, or copies of one disk.\n`,
    );
  }
}

function sameMachines(found: readonly Seen[], enrolment: Enrolment): readonly (readonly string[])[] {
  const all = Object.entries(enrolment.nodes);
  return [...new Set(found.map(({ identity }) => machineOf(identity)))]
    .map((id) => all.filter(([, identity]) => machineOf(identity) === id).map(([name]) => name))
    .filter((names) => names.length > 1);
}

async function askForName(inventory: Inventory): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const stop = new AbortController();
  // Without it, the end of the input (Ctrl-D) would leave the question open for ever; Ctrl-C ends the input too.
  terminal.once("close", () => stop.abort());
  try {
    const question = "Type the lab's name to say that these are yours to break: ";
    const answer = await terminal.question(question, { signal: stop.signal }).catch((cause: unknown) => {
      process.stderr.write("\n");
      throw new InterruptedError("nothing was enrolled", { cause });
    });
    if (answer.trim() === inventory.name) return;
    throw new EnrolmentError("that is not the name of the lab: nothing was enrolled", {
      hint: `the name is the \`name\` in ${inventory.file}`,
    });
  } finally {
    terminal.close();
  }
}

function leftOut(inventory: Inventory, failed: readonly Failure[]): ConnectError {
  const reasons = failed.map(({ failure, node }) =>
    failure.startsWith(node.name) ? failure : `${node.name}: ${failure}`,
  );
  return new ConnectError(`could not be looked at, and left out:\n${reasons.join("\n")}`, {
    hint: `when they can be reached: kbreak inventory enrol -i ${inventory.file}`,
  });
}
