import { describe } from "vitest";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { cluster } from "./grounds.ts";
import { apiBreaks, prove } from "./proof.ts";

/**
 * `3/7`: the third of seven shares of the breaks, which go round by their names. CI has no time for all of them, and takes
 * another share each day. Default: all.
 */
const [share = 1, shares = 1] = (process.env.KBREAK_API_SHARE ?? "1/1").split("/").map(Number);

const mine = apiBreaks.toSorted().filter((_, index) => index % shares === share - 1);
const others = apiBreaks.filter((id) => !mine.includes(id));
if (others.length > 0)
  process.stdout.write(`left to other shares than ${share}/${shares}: ${others.join(", ")}\n`);

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "on a cluster", () => {
  prove({ ground: cluster(), breaks: mine });
});
