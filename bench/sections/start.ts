import { join } from "node:path";
import { inRounds, timed } from "../command.ts";
import { kbreak } from "../contenders.ts";
import type { Results } from "../results.ts";
import type { Stage } from "../stage.ts";

/** What is started, by what a person types. */
const commands: readonly (readonly [typed: string, argv: readonly string[]])[] = [
  ["node -e 0", [process.execPath, "-e", "0"]],
  ["kbreak --help", [...kbreak, "--help"]],
  ["kbreak breaks list", [...kbreak, "breaks", "list"]],
  [
    "kbreak validate playbooks/first-light.yaml",
    [...kbreak, "validate", join(process.cwd(), "playbooks/first-light.yaml")],
  ],
];

/** Seconds from the start of a process to its end. A start is so short that each round has four of them. */
export async function measureStart(stage: Stage, rounds: number): Promise<NonNullable<Results["start"]>> {
  const candidates = commands.map(([name, argv]) => ({
    name,
    measure: async () => (await timed(argv, stage)).seconds,
  }));
  return Object.fromEntries(await inRounds(candidates, rounds * 4, () => {}));
}
