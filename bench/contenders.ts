import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KbreakError } from "../src/errors.ts";
import { attempt, run } from "../src/lab/command.ts";
import { type Candidate, inRounds, type Measuring, timed } from "./command.ts";
import type { Peers } from "./peers.ts";
import type { Compared, Contender } from "./results.ts";
import { measured } from "./statistics.ts";

/** kbreak's command line, as a person has it. */
export const kbreak: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL("../src/cli/main.js", import.meta.url)),
];

/** The folder with the break that does the work. */
export const workBreaks = fileURLToPath(new URL("./breaks", import.meta.url));
/** Its id. */
export const workBreak = "bench/five-changes";

/** The same work in other languages. */
const work = (name: string) => join(process.cwd(), "bench", "work", name);

/** Nodes, and how each contender reaches them. */
export interface Field {
  /** Seconds of a processor that all of the nodes have used so far. */
  readonly processor: () => number;
  readonly inventory: string;
  readonly peers: Peers;
  /** Where kbreak keeps its undo logs. */
  readonly dataFolder: string;
}

/** An inventory, and the data folder of its runs. */
export type Runs = Pick<Field, "inventory" | "dataFolder">;

/** kbreak's words for doing the work, and for taking it back. */
export function kbreakWords({ inventory, dataFolder }: Runs, ...more: readonly string[]) {
  const common = [...kbreak, "--data-dir", dataFolder];
  return {
    apply: [...common, "--breaks", workBreaks, "apply", workBreak, "--yes", "-i", inventory, ...more],
    undo: [...common, "undo", "-i", inventory],
  };
}

/**
 * Ansible as its documentation makes it fast: pipelining, kept connections, all nodes at once, no facts, no search for
 * Python. `strategy: free` is in the playbooks.
 */
function ansible({ peers }: Field, playbook: string, measuring: Measuring): Promise<{ seconds: number }> {
  const environment = {
    ANSIBLE_HOME: join(peers.control, "ansible"),
    ANSIBLE_PIPELINING: "1",
    ANSIBLE_FORKS: String(peers.names.length),
    ANSIBLE_SSH_ARGS: `-F ${peers.sshConfig} -o ControlMaster=auto -o ControlPersist=60s`,
    ANSIBLE_SSH_CONTROL_PATH: `${peers.control}/%%C`,
    LC_ALL: "C.UTF-8",
  };
  const argv = ["ansible-playbook", "-i", peers.ansibleInventory, work(playbook)];
  return timed(argv, { ...measuring, environment });
}

/** Ends the connections that ssh has kept, so that the next round begins without. */
async function hangUp({ names, sshConfig, control }: Peers): Promise<void> {
  const bye = (name: string) =>
    attempt(["ssh", "-F", sshConfig, "-o", `ControlPath=${control}/%C`, "-O", "exit", name]);
  await Promise.all(names.map(bye));
}

/** @throws KbreakError unless each node has so many of the five changes. */
async function demandChanges({ names, sshConfig }: Peers, wanted: number, who: Contender): Promise<void> {
  for (const name of names) {
    const found = await run([
      "sh",
      "-c",
      'ssh -F "$1" "$2" sh -s <"$3"',
      "sh",
      sshConfig,
      name,
      work("check.sh"),
    ]);
    if (found.trim() !== String(wanted))
      throw new KbreakError(`${who}: ${name} has ${found.trim()} of the five changes, and not ${wanted}`);
  }
}

/**
 * Measures all contenders side by side. Before the first round that counts, it is looked whether each does the work and
 * takes it back on every node.
 * @throws KbreakError when one does not.
 */
export async function sideBySide(
  field: Field,
  rounds: number,
  measuring: Measuring,
  tell: (line: string) => void,
  patience?: number,
): Promise<Compared> {
  const { peers } = field;
  const proven = new Set<Contender>();
  const used = new Map<Contender, number[]>();
  const using = async (work: () => Promise<{ seconds: number }>) => {
    const before = field.processor();
    const { seconds } = await work();
    return { seconds, processor: (field.processor() - before) / peers.names.length };
  };
  const candidate = (
    name: Contender,
    apply: () => Promise<{ seconds: number }>,
    undo: () => Promise<{ seconds: number }>,
  ): Candidate<Contender> => ({
    name,
    async measure() {
      const counts = proven.has(name);
      const first = await using(apply);
      if (!counts) await demandChanges(peers, 5, name);
      const second = await using(undo);
      if (!counts) await demandChanges(peers, 0, name);
      proven.add(name);
      await hangUp(peers);
      if (counts) used.set(name, [...(used.get(name) ?? []), first.processor + second.processor]);
      return first.seconds + second.seconds;
    },
  });
  const verified = kbreakWords(field);
  const unverified = kbreakWords(field, "--no-verify");
  const loop = (script: string) =>
    timed(["sh", work("loop.sh"), peers.sshConfig, peers.control, work(script), ...peers.names], measuring);
  const floor = () => timed(["sh", work("floor.sh"), peers.sshConfig, ...peers.names], measuring);
  const samples = await inRounds<Contender>(
    [
      candidate(
        "kbreak",
        () => timed(verified.apply, measuring),
        () => timed(verified.undo, measuring),
      ),
      candidate(
        "kbreak without proof",
        () => timed(unverified.apply, measuring),
        () => timed(unverified.undo, measuring),
      ),
      candidate(
        "Ansible",
        () => ansible(field, "apply.yml", measuring),
        () => ansible(field, "undo.yml", measuring),
      ),
      candidate(
        "OpenSSH loop",
        () => loop("apply.sh"),
        () => loop("undo.sh"),
      ),
      { name: "floor", measure: async () => (await floor()).seconds },
    ],
    rounds,
    tell,
    patience,
  );
  return {
    seconds: Object.fromEntries(samples),
    processor: Object.fromEntries([...used].map(([name, seconds]) => [name, measured(seconds)])),
  };
}
