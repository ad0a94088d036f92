import { describe } from "vitest";
import { noKubernetes } from "../support/no-kubernetes.ts";
import { cluster } from "./grounds.ts";
import { apiBreaks, prove } from "./proof.ts";
import { shareOf } from "./share.ts";

describe.skipIf(noKubernetes !== undefined)(noKubernetes ?? "on a cluster", () => {
  prove({ ground: cluster(), breaks: shareOf(apiBreaks.toSorted()) });
});
