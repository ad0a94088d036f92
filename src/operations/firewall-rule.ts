import { lines, sh, trusted } from "../shell.ts";
import { moduleLibrary } from "./module-library.ts";
import { common, field, type OperationKind, type State } from "./operation.ts";

export interface FirewallRuleOperation {
  readonly kind: "firewall-rule";
  readonly family?: "ip" | "ip6";
  readonly table?: "filter" | "nat" | "mangle" | "raw" | "security";
  readonly chain: string;
  readonly rule: readonly string[];
  readonly position?: "insert" | "append";
}

const schema = {
  type: "object",
  description: "Add one rule to a chain of iptables, until the next reboot.",
  properties: {
    kind: { const: "firewall-rule" },
    family: { enum: ["ip", "ip6"], description: "iptables or ip6tables. Default: ip." },
    table: { enum: ["filter", "nat", "mangle", "raw", "security"], description: "Default: filter." },
    chain: {
      type: "string",
      pattern: "^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,27}$",
      description: "A chain that is there, such as INPUT.",
    },
    rule: {
      type: "array",
      minItems: 1,
      items: { type: "string", pattern: "^[^\\u0000-\\u001f]+$" },
      description: "As behind `iptables -A CHAIN`: such as [-p, tcp, --dport, '6443', -j, DROP].",
    },
    position: { enum: ["insert", "append"], description: "First or last in the chain. Default: insert." },
  },
  required: ["kind", "chain", "rule"],
  additionalProperties: false,
} as const;

/**
 * The kernel has two sets of rules, and `iptables` is the tool of one of them: as that may be changed while the rule is
 * there, both are asked.
 * A table of nftables comes with its first rule and stays when that is deleted, and so do modules: what was not there
 * before is taken away when nobody else uses it.
 */
const library = lines(
  moduleLibrary,
  trusted(String.raw`
FIREWALL_MODULES=$(modules_loaded)
rule_unload() { # modules
  modules_unload_new "$1" 'xt_*' 'ipt_*' 'ip6t_*' 'nft_*' 'nf_*' 'iptable_*' 'ip6table_*' \
    x_tables ip_tables ip6_tables nfnetlink libcrc32c 'crc32c_*'
}
rule_tools() { # iptables|ip6tables: "set:tool" for each set of rules, the node's own choice first, in tools
  if ! version=$("$1" --version); then echo "$1 does not run" >&2; return 1; fi
  case $version in *nf_tables*) tools=nft:$1 set=legacy ;; *) tools=legacy:$1 set=nft ;; esac
  if command -v "$1-$set" >/dev/null; then tools="$tools $set:$1-$set"; fi
}
rule_set_up() { # table names: is it among the tables of this file?
  [ -r "$2" ] || return 1
  while read -r name; do
    if [ "$name" = "$1" ]; then return 0; fi
  done <"$2"
  return 1
}
rule_there() { # set:tool table chain words...: 0 there, 1 not there, else it cannot be told
  set=${"$"}{1%%:*} tool=${"$"}{1#*:} table=$2 chain=$3; shift 3
  if [ "$set" = legacy ]; then
    # Asking makes the kernel set the table up.
    case $tool in ip6*) names=/proc/net/ip6_tables_names ;; *) names=/proc/net/ip_tables_names ;; esac
    rule_set_up "$table" "$names" || return 1
  elif module_absent nf_tables; then return 1
  fi
  # Asking for a rule loads the modules that it is made of, which an empty chain makes needless.
  if rules=$("$tool" -w 5 -t "$table" -S "$chain" 2>/dev/null); then
    case $NEWLINE$rules in *"$NEWLINE-A "*) ;; *) return 1 ;; esac
  fi
  code=0
  message=$("$tool" -w 5 -t "$table" -C "$chain" "$@" 2>&1) || code=$?
  case $code,$message in
  0,*) return 0 ;;
  1,*'matching rule exist'* | 1,*'No chain/target/match'*) return 1 ;;
  # It would jump to a chain that is not there.
  2,*"Chain '"*"' does not exist"* | 2,*"Couldn't load target"*) return 1 ;;
  esac
  printf '%s\n' "$message" >&2
  return 2
}
rule_read() { # iptables|ip6tables family table chain words...
  command=$1 family=$2; shift 2
  rule_tools "$command"
  found=absent
  for one in $tools; do
    code=0
    rule_there "$one" "$@" || code=$?
    case $code in 0) found=present ;; 1) ;; *) return 1 ;; esac
  done
  put rule "$found"
  read -r boot </proc/sys/kernel/random/boot_id; note boot "$boot"
  note modules "$FIREWALL_MODULES"
  rule_place "$family" "$1" "$2"
  note table "$table_now"
  note chain "$chain_now"
  [ "$CONTENT" = no ] || note rehearsal "$(rule_rehearse "$command" "$@" 2>&1 | grep -v -e '^# ' -e '^ERROR: ld\.so: ' | head -n 1)"
}
rule_place() { # family table chain: whether nftables has them, in table_now and chain_now
  table_now=absent chain_now=absent
  if module_absent nf_tables; then return 0; fi
  chains=$NEWLINE$(nft list chains "$1" 2>/dev/null || :)$NEWLINE
  begun="${"$"}{NEWLINE}table $1 $2 {" ended="$NEWLINE}"
  inside=${"$"}{chains#*"$begun"}
  if [ "$inside" = "$chains" ]; then return 0; fi
  table_now=present
  inside=${"$"}{inside%%"$ended"*}
  case $inside in *"$NEWLINE"?"chain $3 {"*) ;; *) return 0 ;; esac
  chain_now=used
  if rule_empty "$3" "$(nft list chain "$1" "$2" "$3" 2>/dev/null)"; then chain_now=empty; fi
}
rule_empty() { # chain text: nftables prints this chain, without a rule, and nothing else
  set -f
  IFS=$NEWLINE
  # What is between two ends of lines.
  set -- "$1" $2
  unset IFS
  set +f
  chain=$1; shift
  for line in "$@"; do
    case $line in
    'table '* | '}' | ?'}' | ?"chain $chain "* | ??'type '*' policy accept;') ;;
    *) return 1 ;;
    esac
  done
}
rule_rehearse() { # iptables|ip6tables table chain words...: can it be added, found and deleted?
  command=$1 table=$2 chain=$3; shift 3
  chains=$("$command" -w 5 -t "$table" -S "$chain") || return
  case $chains in -N*) own=$chain ;; *) own= ;; esac
  # A jump to a chain of the node's needs one of that name, too.
  before=
  for word in "$@"; do
    case $before in -j | -g | --jump | --goto)
      if "$command" -w 5 -t "$table" -S "$word" >/dev/null 2>&1; then own="$own $word"; fi ;;
    esac
    before=$word
  done
  # In a network namespace of its own, which ends at once.
  unshare -n sh -euc '
    tool=$1 table=$2 chain=$3 own=$4; shift 4
    for name in $own; do "$tool" -w 5 -t "$table" -N "$name"; done
    for verb in -A -C -D; do "$tool" -w 5 -t "$table" "$verb" "$chain" "$@"; done
  ' sh "$command" "$table" "$chain" "$own" "$@"
}
rule_back() { # iptables|ip6tables family table-before chain-before boot modules-before table chain words...
  command=$1 family=$2 table_before=$3 chain_before=$4 then=$5 modules=$6; shift 6
  rule_tools "$command"
  for one in $tools; do
    code=0
    rule_there "$one" "$@" || code=$?
    case $code in 0) rule_delete "$one" "$@" ;; 1) ;; *) return 1 ;; esac
  done
  if [ "$chain_before" = absent ] && rule_place "$family" "$1" "$2" && [ "$chain_now" = empty ]; then
    # At once, or what remained of the table after a death in between would be nobody's.
    if [ "$table_before" = absent ] && rule_empty "$2" "$(nft list table "$family" "$1")"; then nft delete table "$family" "$1"
    else nft delete chain "$family" "$1" "$2"
    fi || :
  fi
  read -r boot </proc/sys/kernel/random/boot_id
  if [ "$boot" = "$then" ]; then rule_unload "$modules"; fi
}
rule_delete() { # set:tool table chain words...
  tool=${"$"}{1#*:} table=$2 chain=$3; shift 3
  "$tool" -w 5 -t "$table" -D "$chain" "$@"
}
`),
);

const familyOf = (spec: FirewallRuleOperation) => spec.family ?? "ip";
const toolOf = (spec: FirewallRuleOperation) => (familyOf(spec) === "ip" ? "iptables" : "ip6tables");
const tableOf = (spec: FirewallRuleOperation) => spec.table ?? "filter";

/** The rule is gone, but the chain that came with it has been left empty. */
const emptied = (before: State, now: State) => before.notes.chain === "absent" && now.notes.chain === "empty";

export const firewallRule: OperationKind<FirewallRuleOperation> = {
  ...common,
  kind: "firewall-rule",
  summary: schema.description,
  schema,
  library,
  tidy: trusted('rule_unload "$FIREWALL_MODULES"'),
  title: (spec) =>
    `${toolOf(spec)} -t ${tableOf(spec)} ${spec.position === "append" ? "-A" : "-I"} ${spec.chain} ${spec.rule.join(" ")}`,
  owns: (spec) => [`firewall-rule:${[familyOf(spec), tableOf(spec), spec.chain, ...spec.rule].join(" ")}`],
  commands: (spec) => [toolOf(spec), "unshare"],
  dangers: (spec) => ["lockout", ...common.dangers(spec)],
  lasting: () => false,
  read: (spec) => sh`rule_read ${toolOf(spec)} ${familyOf(spec)} ${tableOf(spec)} ${spec.chain} ${spec.rule}`,
  refusal(spec, before) {
    if (before.values.rule === "present") return `the rule is there already: ${firewallRule.title(spec)}`;
    const problem = field(before.notes, "rehearsal");
    return problem === "" ? undefined : `${toolOf(spec)} does not take the rule: ${problem}`;
  },
  apply: (spec) =>
    sh`${toolOf(spec)} -w 5 -t ${tableOf(spec)} ${spec.position === "append" ? "-A" : "-I"} ${spec.chain} ${spec.rule}`,
  restore: (spec, before) =>
    sh`rule_back ${toolOf(spec)} ${familyOf(spec)} ${field(before.notes, "table")} ${field(before.notes, "chain")} ${field(before.notes, "boot")} ${field(before.notes, "modules")} ${tableOf(spec)} ${spec.chain} ${spec.rule}`,
  inEffect: (_spec, _before, now) => now.values.rule === "present",
  restored: (_spec, before, now) => now.values.rule === "absent" && !emptied(before, now),
  isBack: (_spec, before) =>
    sh`[ "$(told rule)" = absent ] && { [ ${field(before.notes, "chain")} != absent ] || [ "$(noted chain)" != empty ]; }`,
  remains: (_spec, _before, now) => now.values.rule === "present",
  preview: (spec) => ({ line: firewallRule.title(spec) }),
};
