import { trusted } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** The node swaps, which the kubelet refuses to start with (`failSwapOn`). */
export function swapInUse(): Probe {
  return {
    title: "swap is in use",
    commands: [],
    // The first line is the heading.
    script: trusted(`{ read -r heading && read -r swap; } </proc/swaps || exit 1`),
  };
}
