import type { Command } from "commander";
import { print } from "./options.ts";

/** Bare `kbreak`: what is broken now, by the undo logs alone, and what to type next. */
export function register(program: Command): void {
  program.allowExcessArguments().action(async () => {
    const [word] = program.args;
    if (word !== undefined) {
      const { unknownCommand } = await import("./unknown-command.ts");
      throw unknownCommand(program, word);
    }
    await overview();
  });
}

async function overview(): Promise<void> {
  const [{ readOpenRuns, touchedTargets }, { dataFolder }, { defaultInventory }] = await Promise.all([
    import("../engine/runs.ts"),
    import("../lab/folders.ts"),
    import("../lab/inventory.ts"),
  ]);
  const { runs: open, damaged } = readOpenRuns(dataFolder());
  if (open.length > 0) {
    const lines = open.map(
      (run) =>
        `  ${run.id}  ${run.started.name} on ${touchedTargets(run)
          .map(({ name }) => name)
          .join(", ")} (${run.status})`,
    );
    print(
      `Broken now:\n${lines.join("\n")}\n\nNext:\n  kbreak status      what is in effect\n  ${(open.length > 1 ? "kbreak undo --all" : "kbreak undo").padEnd(17)}  put everything back`,
    );
  }
  if (damaged[0] !== undefined) throw damaged[0];
  if (open.length > 0) return;
  const next =
    defaultInventory() === undefined && !process.env.KBREAK_INVENTORY
      ? "  kbreak lab up               practice nodes, in seconds"
      : "  kbreak breaks list          what can be broken\n  kbreak apply BREAK          break it";
  print(`Nothing is broken.\n\nNext:\n${next}\n  kbreak --help               more`);
}
