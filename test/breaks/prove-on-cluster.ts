import { describe } from "vitest";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { cluster } from "./grounds.ts";
import { prove } from "./proof.ts";

/**
 * Those of `ids` that are this run's share: `KBREAK_SHARE=3/7` is the third of seven. CI has no time for all breaks that
 * need a cluster, and takes another share each day. Says which it leaves out. Default: all.
 */
function shareOf(ids: readonly string[]): readonly string[] {
  const [share = 1, shares = 1] = (process.env.KBREAK_SHARE ?? "1/1").split("/").map(Number);
  const mine = ids.filter((_, index) => index % shares === share - 1);
  const others = ids.filter((id) => !mine.includes(id));
  if (others.length > 0)
    process.stdout.write(`left to other shares than ${share}/${shares}: ${others.join(", ")}\n`);
  return mine;
}

/** Defines the tests that put this run's share of breaks through the proof on a cluster; skipped where there can be none. */
export function proveOnCluster(breaks: readonly string[]): void {
  describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "on a cluster", () => {
    prove({ ground: cluster(), breaks: shareOf(breaks) });
  });
}
