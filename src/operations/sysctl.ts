import { sh, trusted } from "../shell.ts";
import { common, field, type OperationKind, type State } from "./operation.ts";

export interface SysctlOperation {
  readonly kind: "sysctl";
  readonly name: string;
  readonly value: string;
}

const schema = {
  type: "object",
  description: "Change a kernel setting, until the next reboot.",
  properties: {
    kind: { const: "sysctl" },
    name: {
      type: "string",
      // Each part begins with a letter or digit: none can be a way out of /proc/sys.
      pattern: "^[a-z][a-z0-9_-]*(\\.[A-Za-z0-9_][A-Za-z0-9_/:@-]*)+$",
      description:
        "As sysctl writes it, such as net.ipv4.ip_forward; a dot in a device's name is a slash: net.ipv4.conf.eth0/100.rp_filter.",
    },
    value: {
      type: "string",
      pattern: "^[ -~]+$",
      description: "As the kernel prints it; words of one setting are separated by spaces.",
    },
  },
  required: ["kind", "name", "value"],
  additionalProperties: false,
} as const;

/**
 * /proc/sys is read and written directly: sysctl(8) ends with 0 even when a write was refused.
 * Other settings that the kernel changes along with this one are read and put back with it; paths are below /proc/sys.
 */
const library = trusted(String.raw`
sysctl_words() { # text: its words with a space between them, in words
  set -f
  set -- $1
  set +f
  words=$*
}
sysctl_read() { # path pattern...
  cd /proc/sys
  if [ -f "$1" ]; then
    text=$(cat -- "$1" 2>/dev/null) || note readable no
    sysctl_words "$text"
    put value "v$words"
    [ "$CONTENT" = no ] || sysctl_notes "$1"
  else put value absent
  fi
  shift
  along=
  if [ "$#" -gt 0 ]; then along=$(sysctl_along "$@" | b64); fi
  note along "$along"
}
sysctl_notes() { # path: what decides whether it can be changed, and its bytes
  note raw "$(cat -- "$1" 2>/dev/null | b64)"
  note lines "$(cat -- "$1" 2>/dev/null | wc -l)"
  [ -w "$1" ] || note writable no
}
sysctl_along() { # pattern...: "path:value" of every setting that matches
  for pattern in "$@"; do grep -Hs '' $pattern || :; done
}
sysctl_write() { # path value
  cd /proc/sys
  if ! message=$( { printf '%s\n' "$2" > "$1"; } 2>&1 ); then
    echo "the kernel does not take $2 ($message)" >&2
    return 1
  fi
  sysctl_words "$(cat -- "$1")"
  [ "$words" = "$2" ] || { echo "the kernel made $words of $2" >&2; return 1; }
}
sysctl_back() { # path raw along
  cd /proc/sys
  [ -f "$1" ] || { echo "there is no setting /proc/sys/$1 now" >&2; return 1; }
  # A refusal is no failure yet: a ratio that a number of bytes stood for reads as 0, which cannot be written, but is
  # there again as soon as the number of bytes is.
  message=$( { printf %s "$2" | base64 -d > "$1"; } 2>&1 ) || :
  printf %s "$3" | base64 -d | while IFS=: read -r path value; do
    if [ -f "$path" ] && [ "$(cat -- "$path")" != "$value" ]; then printf '%s\n' "$value" > "$path" || :; fi
  done
  [ "$(b64 < "$1")" = "$2" ] || { echo "the kernel does not take back what it was ($message)" >&2; return 1; }
}
sysctl_is() { # value along
  [ "$(told value)" = "$1" ] || return 1
  cd /proc/sys
  printf %s "$2" | base64 -d | while IFS=: read -r path value; do
    if [ -f "$path" ] && [ "$(cat -- "$path")" != "$value" ]; then exit 1; fi
  done
}
`);

/** Below /proc/sys: there, dots and slashes change places. */
const pathOf = (name: string) => name.replace(/[./]/g, (char) => (char === "." ? "/" : "."));

/** What `sysctl_words` makes of it: the kernel puts tabs between words. */
const words = ({ value }: SysctlOperation) => value.trim().replace(/ +/g, " ");

interface Trait {
  readonly names: RegExp;
  /** Settings that the kernel changes along with these, the settings themselves among them: shell patterns. */
  readonly along?: readonly string[];
  /** Why writing the old value does not bring back what was. */
  readonly lasting?: string;
}

const traits: readonly Trait[] = [
  {
    names: /^net\.ipv4\.(ip_forward|conf\.all\.forwarding)$/,
    along: ["net/ipv4/ip_forward", "net/ipv4/conf/all/accept_redirects", "net/ipv4/conf/*/forwarding"],
  },
  { names: /^vm\.dirty_(ratio|bytes)$/, along: ["vm/dirty_ratio", "vm/dirty_bytes"] },
  {
    names: /^vm\.dirty_background_(ratio|bytes)$/,
    along: ["vm/dirty_background_ratio", "vm/dirty_background_bytes"],
  },
  {
    names: /^net\.(netfilter\.)?nf_conntrack_max$/,
    along: ["net/netfilter/nf_conntrack_max", "net/nf_conntrack_max"],
  },
  { names: /^vm\.overcommit_(ratio|kbytes)$/, along: ["vm/overcommit_ratio", "vm/overcommit_kbytes"] },
  {
    names: /^net\.ipv6\.conf\..*\.(disable_ipv6|addr_gen_mode|mtu)$/,
    lasting: "the kernel removes addresses and routes with it",
  },
  {
    names: /^net\.ipv6\.conf\..*\.forwarding$/,
    lasting: "the kernel forgets the routers that it has learned of with it",
  },
  {
    names:
      /^kernel\.(modules_disabled|kexec_load_disabled|kexec_load_limit_.*|unprivileged_bpf_disabled|yama\.ptrace_scope)$/,
    lasting: "the kernel lets it be changed in one direction only",
  },
];

const traitOf = (name: string): Trait | undefined => traits.find(({ names }) => names.test(name));

/**
 * Settings below `net` that are one for the whole kernel. The kernel hides the others of that sort, or makes them
 * read-only, in every network namespace but its first, so that `read` finds nothing to change there.
 */
const ofWholeKernel =
  /^net\.(netfilter\.nf_conntrack_(max|buckets|expect_max)|nf_conntrack_max|ipv4\.(tcp|udp)_mem|ipv4\.tcp_max_orphans|ipv[46]\.neigh\.default\.gc_.*)$/;

/** `path:value` lines as a table. */
const tableOf = (state: State) =>
  new Map(
    Buffer.from(field(state.notes, "along"), "base64")
      .toString("latin1")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1)] as const;
      }),
  );

/** Whether the settings that go with it are as before; those of a device that is gone do not count. */
function alongIsSame(before: State, now: State): boolean {
  const left = tableOf(now);
  return [...tableOf(before)].every(([path, value]) => !left.has(path) || left.get(path) === value);
}

export const sysctl: OperationKind<SysctlOperation> = {
  ...common,
  kind: "sysctl",
  summary: schema.description,
  schema,
  library,
  title: (spec) => `sysctl ${spec.name}=${spec.value}`,
  owns: (spec) => [`sysctl:${traitOf(spec.name)?.along?.[0] ?? pathOf(spec.name)}`],
  commands: () => [],
  dangers: (spec) => (spec.name.startsWith("net.") ? ["lockout"] : []),
  lasting: () => false,
  reach: (spec) => (spec.name.startsWith("net.") && !ofWholeKernel.test(spec.name) ? "node" : "kernel"),
  read: (spec) => sh`sysctl_read ${pathOf(spec.name)} ${traitOf(spec.name)?.along ?? []}`,
  refusal(spec, before) {
    const { value } = before.values;
    const { readable, writable, lines } = before.notes;
    const lasting = traitOf(spec.name)?.lasting;
    if (lasting !== undefined) return `${spec.name} could not be put back: ${lasting}`;
    if (value === "absent")
      return `the kernel has no setting ${spec.name}, or the module that brings it is not loaded`;
    if (readable === "no") return `${spec.name} cannot be read, so it could not be put back`;
    if (writable === "no") return `${spec.name} is read-only here`;
    if (Number(lines) > 1) return `${spec.name} has several lines`;
    if (sysctl.inEffect(spec, before, before, { token: "", content: () => Buffer.alloc(0) }))
      return `${spec.name} is ${spec.value} already`;
    return undefined;
  },
  apply: (spec) => sh`sysctl_write ${pathOf(spec.name)} ${words(spec)}`,
  restore: (spec, before) =>
    sh`sysctl_back ${pathOf(spec.name)} ${field(before.notes, "raw")} ${field(before.notes, "along")}`,
  inEffect: (spec, _before, now) => now.values.value === `v${words(spec)}`,
  restored: (_spec, before, now) => now.values.value === before.values.value && alongIsSame(before, now),
  isBack: (_spec, before) => sh`sysctl_is ${field(before.values, "value")} ${field(before.notes, "along")}`,
  preview: (spec, before) => ({
    line: `sysctl: ${spec.name} ${field(before.values, "value").slice(1)} -> ${words(spec)}`,
  }),
};
