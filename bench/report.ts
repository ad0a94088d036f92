import { type Goal, goalsOf, longer } from "./goals.ts";
import type { Contender, Distance, KeptRun, Results, SideBySide, WideSize } from "./results.ts";
import { type Measured, ratio } from "./statistics.ts";

type Row = readonly string[];

const table = (head: Row, rows: readonly Row[]) =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const number = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** A median with the lowest and the highest of the rounds. */
const shown = (found: Measured | undefined) =>
  found === undefined
    ? "–"
    : found.samples.length === 1
      ? number(found.median)
      : `${number(found.median)} (${number(found.low)}–${number(found.high)})`;

const milliseconds = (found: Measured | undefined) =>
  found === undefined
    ? "–"
    : shown({
        ...found,
        median: found.median * 1000,
        low: found.low * 1000,
        high: found.high * 1000,
      });

const verdict = ({ met }: Goal) => (met === undefined ? "not measured" : met ? "met" : "missed");

/** The goals, what was found, and whether they are met. */
export const goalsTable = (results: Results): string =>
  table(
    ["goal", "wanted", "found", ""],
    goalsOf(results).map((goal) => [goal.title, goal.wanted, goal.found ?? "–", verdict(goal)]),
  );

const ratios: readonly (readonly [title: string, one: Contender, other: Contender])[] = [
  ["kbreak / loop", "kbreak", "OpenSSH loop"],
  ["Ansible / kbreak", "Ansible", "kbreak"],
  ["Ansible / loop", "Ansible", "OpenSSH loop"],
  ["kbreak / floor", "kbreak", "floor"],
  ["kbreak with / without proof", "kbreak", "kbreak without proof"],
];

const columns: readonly Contender[] = ["kbreak", "kbreak without proof", "Ansible", "OpenSSH loop", "floor"];

/** Ratios, then seconds, of rows that have the contenders side by side. */
function comparison(
  first: string,
  rows: readonly { readonly title: string; readonly seconds: SideBySide }[],
): string {
  return [
    table(
      [first, ...ratios.map(([title]) => title)],
      rows.map(({ title, seconds }) => [
        title,
        ...ratios.map(([, one, other]) => shown(longer(seconds, one, other))),
      ]),
    ),
    "In seconds:",
    table(
      [first, ...columns],
      rows.map(({ title, seconds }) => [title, ...columns.map((name) => shown(seconds[name]))]),
    ),
  ].join("\n\n");
}

/** Seconds of a processor a node, of rows that have them side by side. */
function processorTable(
  first: string,
  rows: readonly { readonly title: string; readonly processor: SideBySide }[],
): string {
  const counted = columns.filter((name) => name !== "floor");
  return table(
    [first, "kbreak / loop", ...counted],
    rows.map(({ title, processor }) => [
      title,
      shown(longer(processor, "kbreak", "OpenSSH loop")),
      ...counted.map((name) => shown(processor[name])),
    ]),
  );
}

function workPart({ work }: Results): string {
  if (work === undefined) return "";
  return [
    "## The same work",
    `A file is edited and its old content kept, another made immutable, a unit added and started, a firewall rule and a kernel setting; then all of it is undone. kbreak does it as one break ([five-changes.ts](../bench/breaks/bench/five-changes.ts)), Ansible by [apply.yml](../bench/work/apply.yml) and [undo.yml](../bench/work/undo.yml) (pipelining, ControlPersist, \`strategy: free\`, as many forks as nodes, no facts), the loop by [apply.sh](../bench/work/apply.sh) and [undo.sh](../bench/work/undo.sh) in one \`sh -s\` a node over a connection that is kept between the two, all nodes at once, without an undo log. The floor is one OpenSSH connection and one \`true\` a node. The nodes run on the processors that they are worked on from. Before it counts, it is looked on each node whether each contender has done the work and undone it.`,
    comparison(
      "nodes",
      work.sizes.map(({ nodes, seconds }) => ({ title: String(nodes), seconds })),
    ),
    "Seconds of a processor that each node has used for it, whatever else the machine had to do:",
    processorTable(
      "nodes",
      work.sizes.map(({ nodes, processor }) => ({ title: String(nodes), processor })),
    ),
    work.stopped === undefined ? "" : `This machine stopped at ${work.stopped}`,
  ]
    .filter((text) => text !== "")
    .join("\n\n");
}

function distancePart({ distance }: Results): string {
  if (distance === undefined) return "";
  const title = ({ roundTrip, nodes }: Distance) => `${roundTrip} ms, ${nodes} nodes`;
  return [
    "## Under distance",
    "The same, through a forwarder that passes everything on half a round trip later, either way, and makes up for the round trip of TCP's own handshake.",
    comparison(
      "round trip",
      distance.distances.map((one) => ({ title: title(one), seconds: one.seconds })),
    ),
    "What goes to a node for a step of so many operations, counted at the connection:",
    table(
      ["operations", "scripts that read and apply the step", "apply, with the facts", "undo"],
      distance.trips.map(({ operations, step, apply, undo }) => [operations, step, apply, undo].map(String)),
    ),
  ].join("\n\n");
}

function widePart({ wide }: Results): string {
  if (wide === undefined) return "";
  const row = ({ endpoints, forks, seconds, memory }: WideSize) => [
    String(endpoints),
    String(forks),
    shown(seconds),
    shown(memory),
  ];
  const head = ["endpoints", "at a time", "seconds", "MiB"];
  const [few, most] = [wide.sizes[0], wide.sizes.at(-1)];
  return [
    "## Wide",
    "An endpoint is an ssh server of its own on a root and a machine-id of its own, in mount, process and host name namespaces of this machine; it has no systemd. Two files are changed on each ([wide.yaml](../bench/work/wide.yaml)), proven, and undone. Memory is the most that kbreak's process had resident (`VmHWM`), of apply or of undo.",
    ...(few === undefined || most === undefined || few === most
      ? []
      : [
          `From ${few.endpoints} to ${most.endpoints} endpoints: ${shown(ratio(most.seconds, few.seconds))} times the time, ${shown(ratio(most.memory, few.memory))} times the memory.`,
        ]),
    table(head, wide.sizes.map(row)),
    "`--forks`:",
    table(head, wide.forks.map(row)),
    ...(wide.stopped ?? []).map((why) => `This machine did not carry ${why}`),
  ].join("\n\n");
}

function logPart({ log }: Results): string {
  if (log === undefined) return "";
  const { disk, memory, statusOfOne, statusOfHundred, listOfHundred } = log;
  const each = (perSecond: Measured) => number(1000 / perSecond.median);
  return [
    "## The undo log",
    `A record of ${log.recordBytes} bytes (what is known of a step before it is made) costs ${shown(ratio(memory, disk))} times as much on the disk as in memory, where fsync has nothing to wait for.`,
    table(
      ["", "records a second", "ms each"],
      [
        ["disk", shown(disk), each(disk)],
        ["memory", shown(memory), each(memory)],
      ],
    ),
    "A run of the five changes, with its undo:",
    table(
      ["nodes", "records", "KiB"],
      log.runs.map(({ nodes, records, kibibytes }) => [nodes, records, kibibytes].map(String)),
    ),
    `With 100 runs in the data folder \`kbreak status\` of one broken node takes ${shown(ratio(statusOfHundred, statusOfOne))} times as long as with that run alone.`,
    table(
      ["", "seconds"],
      [
        ["`kbreak status`, 1 run", shown(statusOfOne)],
        ["`kbreak status`, 100 runs", shown(statusOfHundred)],
        ["`kbreak runs list`, 100 runs", shown(listOfHundred)],
      ],
    ),
  ].join("\n\n");
}

function startPart({ start }: Results): string {
  if (start === undefined) return "";
  const node = start["node -e 0"];
  return [
    "## Start",
    table(
      ["command", "times node -e 0", "ms"],
      Object.entries(start).map(([name, seconds]) => [
        `\`${name}\``,
        node === undefined ? "–" : shown(ratio(seconds, node)),
        milliseconds(seconds),
      ]),
    ),
  ].join("\n\n");
}

function recoveryPart({ recovery }: Results): string {
  if (recovery === undefined) return "";
  const { nodes, breaks, skipped } = recovery;
  return [
    "## Recovery",
    `Each break on ${nodes} control planes at once; two such groups share this machine's processors. Seconds from \`kbreak undo\` to a node's end of undo; and from SIGKILL, which hits \`kbreak apply\` as soon as it has begun on every node, to that end by the \`kbreak undo\` behind it. After each, the fingerprint of every node is equal to what it was before, or the command fails. Undo waits 2.5 s for what breaks again by itself, and up to 11 s for a change that may still be on its way.`,
    table(
      ["break", "samples", "undo p50", "p95", "killed p50", "p95"],
      breaks.map(({ id, undo, killed }) => [
        id,
        `${undo.count} + ${killed.count}`,
        ...[undo.p50, undo.p95, killed.p50, killed.p95].map((seconds) => seconds.toFixed(1)),
      ]),
    ),
    ...(skipped.length === 0
      ? []
      : [
          "Not on these nodes:",
          table(
            ["break", "why"],
            skipped.map(({ id, reason }) => [id, reason]),
          ),
        ]),
  ].join("\n\n");
}

const byRun = ({ command, date, seconds }: Omit<KeptRun, "sections">) =>
  `by \`${command}\` on ${date.slice(0, 10)}, in ${Math.round(seconds / 60)} minutes`;

function machinePart({ machine, date, command, seconds, rounds, kept = [] }: Results): string {
  const { processors, processor, memory, system, kernel, load, versions } = machine;
  return [
    `Written ${byRun({ command, date, seconds })}, from [bench/results.json](../bench/results.json), which has every sample. Figures are medians of ${rounds} rounds, with the lowest and the highest in brackets. In each round every contender has its turn, from the first and from the last in alternation, and a ratio is one of the same round: what slows the machine down in a round slows both.`,
    ...kept.map((run) => `Measured before, on the same machine: ${run.sections.join(", ")}, ${byRun(run)}.`),
    table(
      ["", ""],
      [
        ["machine", `${processors} processors (${processor}), ${memory} GiB, ${system}, Linux ${kernel}`],
        ["load before and at the end", `${load.before}, ${load.after}`],
        [
          "versions",
          `kbreak ${versions.kbreak}, Node.js ${versions.node}, ansible-core ${versions.ansible}, OpenSSH ${versions.openssh}`,
        ],
      ],
    ),
  ].join("\n\n");
}

/**
 * docs/performance.md: all of it follows from the results.
 * @param remarks What a person has found out about them, as Markdown. Default: none.
 */
export function performanceDocument(results: Results, remarks = ""): string {
  return [
    "# Performance",
    machinePart(results),
    "## Goals",
    goalsTable(results),
    ...(results.missing ?? []).map((why) => `Not measured: ${why}`),
    remarks.trim(),
    ...[workPart, distancePart, widePart, logPart, startPart, recoveryPart].map((part) => part(results)),
  ]
    .filter((text) => text !== "")
    .join("\n\n")
    .concat("\n");
}
