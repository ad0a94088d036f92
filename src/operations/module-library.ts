import { trusted } from "../shell.ts";

/**
 * Shell functions for the kernel modules that a change brings with it: a rule or a queueing discipline makes the kernel
 * load what it is made of, and only unloading takes that back.
 *
 * - `own_kernel` prints `yes` where the whole machine is the node.
 * - `module_absent MODULE` is true where asking for what is the module's would make the kernel load it.
 * - `modules_loaded` prints the loaded modules on one line; nothing where they are none of ours.
 * - `modules_unload_new BEFORE PATTERN…` unloads those that are not in BEFORE, match a shell pattern and are used by
 *   nobody. A module that cannot be unloaded stays: it never fails.
 */
export const moduleLibrary = trusted(String.raw`
# The first process of a machine is in the namespaces that the kernel starts with, and those have fixed numbers
# (include/linux/proc_ns.h); a container, whoever made it, has at least a pid or a host name namespace of its own.
own_kernel() {
  case $(readlink /proc/1/ns/pid /proc/1/ns/uts) in
  'pid:[4026531836]
uts:[4026531838]')
    case $(systemd-detect-virt -c 2>/dev/null || :) in none | '') echo yes; return ;; esac ;;
  esac
  echo no
}
modules_loaded() {
  # Of a shared kernel it cannot be seen who else uses a module.
  if [ "$(own_kernel)" = no ] || ! [ -r /proc/modules ]; then return 0; fi
  sed -n 's/ .*//; H; ${"$"}{ x; s/\n/ /g; p; }' /proc/modules
}
module_absent() { # module: neither loaded nor built in; false where that cannot be told
  read -r release </proc/sys/kernel/osrelease
  builtin=/lib/modules/$release/modules.builtin
  [ -r /proc/modules ] && [ -r "$builtin" ] && ! grep -q -e "^$1 " -e "/$1\.ko" /proc/modules "$builtin"
}
modules_unload_new() { # before pattern...
  modules_before=$1; shift
  if [ -z "$modules_before" ] || ! command -v rmmod >/dev/null; then return 0; fi
  # A rule that is deleted and a network namespace that ends let go of their modules a moment later, and a module that
  # goes of those that it used.
  for _ in 1 2 3 4 5; do
    modules_gone=yes
    while [ "$modules_gone" = yes ]; do
      modules_awaited=no modules_gone=no
      while read -r module _ users dependents _; do
        case " $modules_before " in *" $module "*) continue ;; esac
        if ! module_matches "$module" "$@"; then continue; fi
        case $users,$dependents in
        0,*) if module_idle "$module" && rmmod "$module" 2>/dev/null; then modules_gone=yes; fi ;;
        *,-) modules_awaited=yes ;;
        esac
      done </proc/modules
    done
    if [ "$modules_awaited" = no ]; then return 0; fi
    sleep 0.1
  done
}
module_matches() { # module pattern...
  module=$1; shift
  for pattern in "$@"; do
    case $module in $pattern) return 0 ;; esac
  done
  return 1
}
# These count no users: unloading them would take every rule away, in all network namespaces.
module_idle() { # module
  case $1 in
  nf_tables)
    command -v nft >/dev/null || return 1
    for ns in $(network_namespaces); do
      tables=$(nsenter --net="$ns" nft list tables 2>/dev/null) || return 1
      if [ -n "$tables" ]; then return 1; fi
    done ;;
  iptable_*) legacy_table_idle iptables-legacy /proc/net/ip_tables_names "$(printf %s "$1" | cut -d_ -f2-)" ;;
  ip6table_*) legacy_table_idle ip6tables-legacy /proc/net/ip6_tables_names "$(printf %s "$1" | cut -d_ -f2-)" ;;
  esac
}
network_namespaces() { # a path for each that a process is in or that has a name
  # Processes come and go meanwhile.
  { stat -L -c '%i %n' /proc/[0-9]*/ns/net /run/netns/* 2>/dev/null || :; } | sort -u -k1,1 | cut -d' ' -f2-
}
legacy_table_idle() { # tool names table
  command -v "$1" >/dev/null || return 1
  for ns in $(network_namespaces); do
    # Asking for a table makes the kernel set it up, so only those are asked for that are there.
    if nsenter --net="$ns" grep -qx -- "$3" "$2" 2>/dev/null; then
      rules=$(nsenter --net="$ns" "$1" -w 5 -t "$3" -S 2>/dev/null) || return 1
      if printf '%s\n' "$rules" | grep -qv '^-P [A-Z]* ACCEPT$'; then return 1; fi
    fi
  done
}
`);
