import { messageOf } from "../../src/errors.ts";
import { sideBySide } from "../contenders.ts";
import { benchLab } from "../lab.ts";
import { installPython } from "../python.ts";
import type { Results, WorkSize } from "../results.ts";
import type { Stage } from "../stage.ts";

/** The same work on more and more nodes, as far as this machine carries them. */
export async function measureWork(
  stage: Stage,
  nodes: readonly number[],
  rounds: number,
  patience: number,
): Promise<NonNullable<Results["work"]>> {
  const sizes: WorkSize[] = [];
  for (const count of nodes.toSorted((one, other) => one - other)) {
    try {
      const lab = await benchLab(stage, String(count));
      await installPython(lab.peers, stage.folder);
      sizes.push({ nodes: count, ...(await sideBySide(lab, rounds, stage, stage.tell, patience)) });
    } catch (error) {
      if (sizes.length === 0) throw error;
      const why = stage.signal.aborted ? "the command was interrupted" : messageOf(error);
      return { sizes, stopped: `${count} nodes: ${why}` };
    }
  }
  return { sizes };
}
