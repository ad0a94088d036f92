import { type Shell, sh } from "../../shell.ts";
import { counted, entriesOf, linesOf, sha256 } from "../entries.ts";
import type { Section } from "../section.ts";
import type { Entries } from "../types.ts";

interface Chain {
  readonly name: string;
  readonly policy: string;
  readonly rules: readonly string[];
}

/** A chain tells the order of its rules by a hash, so that a rule put in front of a hundred is one difference. */
function entriesOfChains(chains: readonly Chain[]): Entries {
  const heads = chains.map(({ name, policy, rules }) => {
    const order = rules.length === 0 ? "" : `, order ${sha256(rules.join("\n")).slice(0, 16)}`;
    return [name, `${policy}${rules.length} rules${order}`] as const;
  });
  const rules = chains.flatMap((chain) => counted(chain.rules.map((rule) => `${chain.name}: ${rule}`)));
  return entriesOf([...heads, ...rules]);
}

/** What `iptables-save` prints, by table and chain. */
function saved(lines: readonly string[]): readonly Chain[] {
  const chains = new Map<string, { policy: string; rules: string[] }>();
  let table = "";
  for (const line of lines) {
    const [, newTable] = /^\*(.+)$/.exec(line) ?? [];
    const [, chain, policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    const [, target, rule] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    if (newTable !== undefined) table = newTable;
    if (chain !== undefined) chains.set(`${table} ${chain}`, { policy: `${policy}, `, rules: [] });
    if (rule !== undefined) chains.get(`${table} ${target}`)?.rules.push(rule);
  }
  return [...chains].map(([name, chain]) => ({ name, ...chain }));
}

/** The kernel loads a table with its empty built-in chains when it is first asked for, and never unloads it. */
const saysSomething = ({ policy, rules }: Chain) => policy !== "ACCEPT, " || rules.length > 0;

/**
 * Asking for nftables' rules makes the kernel load nftables, and a look changes nothing: where it is a module that is
 * not loaded there are no rules.
 */
const whereLoaded = (script: Shell): Shell => sh`
read -r release </proc/sys/kernel/osrelease
builtin=/lib/modules/$release/modules.builtin
if [ -r /proc/modules ] && [ -r "$builtin" ] &&
  ! grep -q -e '^nf_tables ' -e '/nf_tables\.ko$' /proc/modules "$builtin"
then :; else ${script}
fi`;

function tables(command: string): Section {
  const script = sh`${command}`;
  return {
    name: command.replace("-save", ""),
    programs: [command],
    script: command.includes("-nft-") ? whereLoaded(script) : script,
    read: (output) => entriesOfChains(saved(linesOf(output)).filter(saysSomething)),
  };
}

/** Rules of both back ends and both protocols, without counters. */
export const iptables: readonly Section[] = [
  tables("iptables-nft-save"),
  tables("iptables-legacy-save"),
  tables("ip6tables-nft-save"),
  tables("ip6tables-legacy-save"),
];

/** What `nft list ruleset` prints, a chain for each block; a block's name holds the names of those around it. */
function ruleset(lines: readonly string[]): readonly Chain[] {
  const blocks: { name: string; policy: string; rules: string[] }[] = [];
  const open: { name: string; policy: string; rules: string[] }[] = [];
  for (const raw of lines) {
    const line = raw.trim();
    const inside = open.at(-1);
    if (line.startsWith("#")) continue;
    if (line === "}") open.pop();
    else if (line.endsWith("{")) {
      const name = [...(inside === undefined ? [] : [inside.name]), line.slice(0, -1).trim()].join(" ");
      const block = { name, policy: "", rules: [] };
      blocks.push(block);
      open.push(block);
    } else
      inside?.rules.push(
        line.replace(/ expires \w+/g, "").replace(/counter packets \d+ bytes \d+/g, "counter"),
      );
  }
  return blocks;
}

/** All that nftables holds, which includes the rules of iptables' nft back end. Without counters. */
export const nftables: Section = {
  name: "nftables",
  programs: ["nft"],
  script: whereLoaded(sh`nft -s list ruleset`),
  read: (output) => entriesOfChains(ruleset(linesOf(output))),
};
