import { sh } from "../../shell.ts";
import { entriesOf, linesOf } from "../entries.ts";
import type { Section } from "../section.ts";
import { isVolatile, volatileUnits } from "../volatile.ts";

/** Whether a path is one that systemd takes unit files and their states from: of its folders, or what these may link to. */
export function isOfUnits(path: string): boolean {
  return (
    /^\/(etc|run|lib|usr\/lib|usr\/local\/lib)\/systemd\/(system(\.\w+)?|transient|generator(\.\w+)?)(\/|$)/.test(
      path,
    ) || /\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/.test(path)
  );
}

/** Whether each unit file is enabled, masked … */
export const unitFiles: Section = {
  name: "unit files",
  programs: ["systemctl"],
  script: sh`systemctl list-unit-files --all --full --plain --no-legend --no-pager`,
  read: (output) =>
    entriesOf(
      linesOf(output)
        .map((line) => line.trim().split(/\s+/))
        .map(([unit = "", state = ""]) => [unit, state] as const)
        .filter(([unit]) => !isVolatile(volatileUnits, unit)),
    ),
};

/** These wait or run as the service does that they start, which is an entry of its own. */
const isTrigger = (name: string) => /\.(socket|path|timer|automount)$/.test(name);

/** No text for a unit that is just inactive: systemd forgets it whenever it likes, so that it is no entry. */
function describe(unit: ReadonlyMap<string, string>): string | undefined {
  const notes = [
    ...(unit.get("NeedDaemonReload") === "yes" ? ["needs daemon-reload"] : []),
    ...(["", "running"].includes(unit.get("FreezerState") ?? "")
      ? []
      : [`freezer ${unit.get("FreezerState")}`]),
  ];
  const state = unit.get("ActiveState");
  if (state === "inactive" && notes.length === 0) return undefined;
  const dropIns = unit.get("DropInPaths") ?? "";
  return [
    state === "active" && isTrigger(unit.get("Id") ?? "") ? "active" : `${state} (${unit.get("SubState")})`,
    ...notes,
    ...(dropIns === "" ? [] : [`drop-ins ${dropIns}`]),
  ].join(", ");
}

/** The state of every unit that is not simply inactive; also of those whose file is newer than what systemd runs by. */
export const units: Section = {
  name: "units",
  programs: ["systemctl"],
  script: sh`systemctl show '*' --no-pager -p Id -p ActiveState -p SubState -p NeedDaemonReload -p FreezerState -p DropInPaths`,
  read: (output) => {
    const blocks = output.toString("utf8").split("\n\n");
    const all = blocks.map(
      (block) =>
        new Map(
          linesOf(Buffer.from(block))
            .map((line) => /^(\w+)=(.*)$/.exec(line))
            .map((match) => [match?.[1] ?? "", match?.[2] ?? ""] as const),
        ),
    );
    // A unit with several names is listed once for each.
    const byName = new Map(all.map((unit) => [unit.get("Id") ?? "", describe(unit)] as const));
    return entriesOf(
      [...byName].flatMap(([name, value]) =>
        name === "" || value === undefined || isVolatile(volatileUnits, name) ? [] : [[name, value] as const],
      ),
    );
  },
};

/** What systemd gives to every unit it starts. */
export const environment: Section = {
  name: "environment",
  programs: ["systemctl"],
  script: sh`systemctl show-environment`,
  read: (output) =>
    entriesOf(
      linesOf(output).map((line) => {
        const at = line.indexOf("=");
        return [line.slice(0, at), line.slice(at + 1)] as const;
      }),
    ),
};
