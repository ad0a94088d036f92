import { sh } from "../../shell.ts";
import { entriesOf, linesOf } from "../entries.ts";
import type { Section } from "../section.ts";

/** Numbers that the kernel gives out anew when the same thing is made again. */
const withoutNumbers = (line: string) =>
  line
    .trim()
    .replace(/ (refcnt|index|ref|bind) \d+/g, "")
    .replace(/ id \d+ tag /, " tag ");

function qdisc(line: string): readonly [string, string] {
  const [, kind, handle, device, rest = ""] = /^qdisc (\S+) (\S+) dev (\S+) ?(.*)$/.exec(line) ?? [];
  const place = /^(root|parent \S+)/.exec(rest)?.[0] ?? "";
  return [`${device} qdisc ${place}`, withoutNumbers(`${kind} ${handle}${rest.slice(place.length)}`)];
}

/** A heading, `= eth0 filter ingress`, and the lines of tc below it. */
function block(lines: readonly string[]): readonly (readonly [string, string])[] {
  const [heading = "", ...body] = lines;
  const items = body
    .map(withoutNumbers)
    .join("\n")
    .split(/\n(?=filter |class )/);
  return items.filter((item) => item !== "").map((item) => [heading, item.replaceAll("\n", "; ")]);
}

/** Queueing disciplines, their classes, and the filters of each, without statistics. */
export const traffic: Section = {
  name: "traffic",
  programs: ["tc", "awk"],
  // A filter is only listed when asked for by its parent: every qdisc is one, and clsact is two.
  script: sh`
tc qdisc show || exit
tc qdisc show | awk '$2 != "noqueue" { for (i = 4; i < NF; i++) if ($i == "dev") print $2, $3, $(i + 1) }' |
while read -r kind handle device; do
  printf '= %s class %s\n' "$device" "$handle"
  tc class show dev "$device" parent "$handle"
  case $kind in
    clsact) for side in ingress egress; do
        printf '= %s filter %s\n' "$device" "$side"
        tc filter show dev "$device" "$side"
      done ;;
    ingress)
      printf '= %s filter ingress\n' "$device"
      tc filter show dev "$device" ingress ;;
    *)
      printf '= %s filter %s\n' "$device" "$handle"
      tc filter show dev "$device" parent "$handle" ;;
  esac
done
:`,
  read: (output) => {
    const [head = "", ...blocks] = linesOf(output).join("\n").split(/^= /m);
    const qdiscs = head.split("\n").filter((line) => line.startsWith("qdisc "));
    return entriesOf([...qdiscs.map(qdisc), ...blocks.flatMap((text) => block(text.split("\n")))]);
  },
};
