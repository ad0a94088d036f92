import { trusted } from "../shell.ts";

/**
 * A process is known by a word in its environment that is in the undo log before it starts: a pid would be known only
 * after, and after a crash in between nobody could tell whose it is. The variable is one that systemd sets on every
 * service, so it tells a fixer nothing.
 */
export const markedProcesses = trusted(String.raw`
process_pids() { # token
  grep -lszx -F -- "INVOCATION_ID=$1" /proc/[0-9]*/environ | cut -d/ -f3
}
process_end() { # token
  for signal in TERM TERM TERM KILL KILL KILL; do
    pids=$(process_pids "$1")
    [ -n "$pids" ] || return 0
    for pid in $pids; do kill -s "$signal" "$pid" 2>/dev/null || :; kill -s CONT "$pid" 2>/dev/null || :; done
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      [ -n "$(process_pids "$1")" ] || return 0
      sleep 0.05
    done
  done
  echo "the process does not end" >&2
  return 1
}
`);
