import { lines, sh, trusted } from "../shell.ts";
import { moduleLibrary } from "./module-library.ts";
import { common, field, type OperationKind, type State } from "./operation.ts";

export interface NftChain {
  readonly name: string;
  readonly type: "filter" | "nat" | "route";
  readonly hook: "prerouting" | "input" | "forward" | "output" | "postrouting";
  /** Where it stands among the chains of its hook: lower ones are asked first. */
  readonly priority: number;
  readonly rules: readonly string[];
}

export interface NftTableOperation {
  readonly kind: "nft-table";
  readonly family?: "inet" | "ip" | "ip6";
  readonly table: string;
  readonly chains: readonly NftChain[];
}

const word = "^[A-Za-z_][A-Za-z0-9_-]{0,30}$";

const schema = {
  type: "object",
  description: "Add a table of nftables with chains of rules, until the next reboot.",
  properties: {
    kind: { const: "nft-table" },
    family: { enum: ["inet", "ip", "ip6"], description: "Default: inet, which is IPv4 and IPv6." },
    table: { type: "string", pattern: word, description: "Name of a table that is not there yet." },
    chains: {
      type: "array",
      minItems: 1,
      items: {
        type: "object",
        properties: {
          name: { type: "string", pattern: word },
          type: { enum: ["filter", "nat", "route"] },
          hook: { enum: ["prerouting", "input", "forward", "output", "postrouting"] },
          priority: {
            type: "integer",
            minimum: -400,
            maximum: 400,
            description: "Lower ones are asked first.",
          },
          rules: {
            type: "array",
            items: {
              type: "string",
              // What would end a rule, or the chain around it, is no part of one.
              pattern: "^[^\\u0000-\\u001f;{}#]+$",
              description: "As behind `nft add rule TABLE CHAIN`: such as tcp dport 6443 drop.",
            },
          },
        },
        required: ["name", "type", "hook", "priority", "rules"],
        additionalProperties: false,
      },
    },
  },
  required: ["kind", "table", "chains"],
  additionalProperties: false,
} as const;

/** A table that was not there is wholly ours. nft takes it as one transaction, so there is never a part of it. */
const library = lines(
  moduleLibrary,
  trusted(String.raw`
NFT_MODULES=$(modules_loaded)
nft_unload() { # modules
  modules_unload_new "$1" 'nft_*' 'nf_*' nfnetlink libcrc32c 'crc32c_*'
}
nft_digest() { sha256sum | cut -d' ' -f1; }
nft_read() { # family table script
  put table "$(nft_shape "$1" "$2")"
  read -r boot </proc/sys/kernel/random/boot_id; note boot "$boot"
  note modules "$NFT_MODULES"
  [ "$CONTENT" = yes ] || return 0
  # What the kernel makes of it shows in a network of its own, which ends at once.
  if shown=$(printf '%s\n' "$3" | unshare -n sh -c 'nft -f - && nft -s list table "$1" "$2"' sh "$1" "$2" 2>&1); then
    note shape "$(printf '%s\n' "$shown" | nft_digest)"
  else note misfit "$(printf '%s\n' "$shown" | head -n 1)"
  fi
}
nft_shape() { # family table: a digest of it, or absent
  # Asking would make the kernel load nftables.
  if module_absent nf_tables; then echo absent; return; fi
  if shown=$(nft -s list table "$1" "$2" 2>&1); then printf '%s\n' "$shown" | nft_digest
  else case $shown in *'No such file'*) echo absent ;; *) printf '%s\n' "$shown" >&2; return 1 ;; esac
  fi
}
nft_back() { # family table boot modules
  shape=$(nft_shape "$1" "$2")
  if [ "$shape" != absent ]; then nft delete table "$1" "$2"; fi
  read -r boot </proc/sys/kernel/random/boot_id
  if [ "$boot" = "$3" ]; then nft_unload "$4"; fi
}
`),
);

const familyOf = (spec: NftTableOperation) => spec.family ?? "inet";

/** The table as nft takes it from a file. */
function ruleset(spec: NftTableOperation): string {
  const chains = spec.chains.flatMap(({ name, type, hook, priority, rules }) => [
    `  chain ${name} {`,
    `    type ${type} hook ${hook} priority ${priority}; policy accept;`,
    ...rules.map((rule) => `    ${rule}`),
    "  }",
  ]);
  return [`table ${familyOf(spec)} ${spec.table} {`, ...chains, "}"].join("\n");
}

const isThere = ({ values }: State) => values.table !== "absent";

export const nftTable: OperationKind<NftTableOperation> = {
  ...common,
  kind: "nft-table",
  summary: schema.description,
  schema,
  library,
  tidy: trusted('nft_unload "$NFT_MODULES"'),
  title: (spec) => `nft: table ${familyOf(spec)} ${spec.table}`,
  owns: (spec) => [`nft-table:${familyOf(spec)} ${spec.table}`],
  commands: () => ["nft", "unshare", "sha256sum"],
  dangers: (spec) => ["lockout", ...common.dangers(spec)],
  lasting: () => false,
  read: (spec) => sh`nft_read ${familyOf(spec)} ${spec.table} ${ruleset(spec)}`,
  refusal(spec, before) {
    if (isThere(before)) return `there is a table ${familyOf(spec)} ${spec.table} already`;
    const { misfit } = before.notes;
    return misfit === undefined ? undefined : `nft does not take the table: ${misfit}`;
  },
  apply: (spec) => sh`printf '%s\n' ${ruleset(spec)} | nft -f -`,
  restore: (spec, before) =>
    sh`nft_back ${familyOf(spec)} ${spec.table} ${field(before.notes, "boot")} ${field(before.notes, "modules")}`,
  inEffect: (_spec, before, now) => now.values.table === before.notes.shape,
  remains: (_spec, _before, now) => isThere(now),
  halfway: () => false,
  preview: (spec) => ({ line: nftTable.title(spec), before: "", after: `${ruleset(spec)}\n` }),
};
