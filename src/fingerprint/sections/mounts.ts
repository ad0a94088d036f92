import { sh } from "../../shell.ts";
import { entriesOf, linesOf } from "../entries.ts";
import type { Section } from "../section.ts";
import { isVolatile, volatileMounts } from "../volatile.ts";

/** Peer groups are numbered as they are made; only their kind is compared. */
const propagation = (fields: readonly string[]) => fields.map((field) => field.replace(/:\d+$/, ""));

/** An overlay only has it while it is mounted for the first time. */
const overlayUuid = /,uuid=on$/;

function pairOf(line: string): readonly [string, string] {
  const [left = "", right = ""] = line.split(" - ");
  const [, , , root, point = "", options, ...optional] = left.split(" ");
  const [type, source, superOptions] = right.split(" ");
  const values = [
    type,
    source,
    `root=${root}`,
    options,
    superOptions?.replace(overlayUuid, ""),
    ...propagation(optional),
  ];
  return [point, values.join(" ")];
}

/** Mounts by mount point, as the login sees them; stacked ones in their order. Names in octal escapes, as the kernel's. */
export const mounts: Section = {
  name: "mounts",
  programs: ["cat"],
  script: sh`cat /proc/self/mountinfo`,
  read: (output) =>
    entriesOf(
      linesOf(output)
        .map(pairOf)
        .filter(([point]) => !isVolatile(volatileMounts, point)),
    ),
};
