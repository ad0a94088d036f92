import { cpus } from "node:os";
import { Command, InvalidArgumentError } from "commander";

/** The parts of the measurement, in their order. */
export const sections = ["start", "work", "log", "distance", "wide", "recovery"] as const;
export type Section = (typeof sections)[number];

export interface Options {
  readonly sections: readonly Section[];
  /** How many nodes the same work is done on. */
  readonly nodes: readonly number[];
  /** How many light endpoints are worked on at once. */
  readonly endpoints: readonly number[];
  readonly rounds: number;
  /** Seconds that a round of the same work may take: with more nodes than that allows the machine stops. */
  readonly patience: number;
  /** Ids of the breaks that recovery is measured of. Default: all. */
  readonly breaks: readonly string[] | undefined;
  /** Where `docs/performance.md` and `bench/results.json` are written; `undefined`: nowhere. */
  readonly output: string | undefined;
}

const whole = {
  nodes: [1, 5, 20, 50],
  endpoints: [10, 50, 200],
  rounds: 5,
  patience: 300,
} as const;

const quick = {
  nodes: [1, 2],
  endpoints: [2, 4],
  rounds: 1,
  breaks: ["files/immutable", "persistence/rogue-systemd-unit"],
} as const;

interface Flags {
  readonly sections?: readonly Section[];
  readonly nodes?: readonly number[];
  readonly endpoints?: readonly number[];
  readonly rounds?: number;
  readonly patience?: number;
  readonly breaks?: readonly string[];
  readonly quick?: boolean;
  readonly output?: string;
}

const numbers = (most: number) => (text: string) =>
  text.split(",").map((word) => {
    if (/^[1-9]\d{0,2}$/.test(word) && Number(word) <= most) return Number(word);
    throw new InvalidArgumentError(`Numbers from 1 to ${most} are wanted, with commas between them.`);
  });

function sectionList(text: string): readonly Section[] {
  const words = text.split(",");
  const unknown = words.find((word) => !sections.some((section) => section === word));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`There is no section ${unknown}; there are ${sections.join(", ")}.`);
  return sections.filter((section) => words.includes(section));
}

/**
 * Reads the command line. A run of everything writes the project's own files; one of less only prints, unless it is told
 * where to write: there it keeps the sections that it leaves out.
 * @param words What stands behind `npm run bench --`. Ends the process on `--help` and on a mistake.
 */
export function parseOptions(words: readonly string[], project: string): Options {
  const flags = new Command("npm run bench --")
    .description(
      `Measures kbreak beside what people use today, on practice nodes of this machine (${cpus().length} processors).`,
    )
    .option("--quick", "a quick try of everything: few nodes, one round, two breaks")
    .option("--sections <list>", `of ${sections.join(",")} (default: all)`, sectionList)
    .option("--nodes <list>", `nodes for the same work (default: ${whole.nodes})`, numbers(99))
    .option("--endpoints <list>", `endpoints at once (default: ${whole.endpoints})`, numbers(250))
    .option("--rounds <number>", `how often (default: ${whole.rounds})`, (text) => numbers(100)(text)[0] ?? 1)
    .option("--patience <seconds>", `for a round of the same work (default: ${whole.patience})`, Number)
    .option("--breaks <list>", "breaks to recover from (default: all)", (text) => text.split(","))
    .option("--output <folder>", "where docs/performance.md and bench/results.json go")
    .parse(words, { from: "user" })
    .opts<Flags>();
  const base = flags.quick ? quick : { ...whole, breaks: undefined };
  return {
    sections: flags.sections ?? sections,
    nodes: flags.nodes ?? base.nodes,
    endpoints: flags.endpoints ?? base.endpoints,
    rounds: flags.rounds ?? base.rounds,
    patience: flags.patience ?? whole.patience,
    breaks: flags.breaks ?? base.breaks,
    output: flags.output ?? (words.length === 0 ? project : undefined),
  };
}
