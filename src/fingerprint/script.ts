import { lines, type Shell, sh, trusted } from "../shell.ts";
import type { Section } from "./section.ts";

/**
 * Lines as `MARKER stream 12 <base64>`. They are shorter than 4096 bytes, which a pipe takes as a whole (PIPE_BUF), so
 * that sections may write side by side.
 */
const columns = 3000;

function look({ programs, script }: Section, index: number): Shell {
  return sh`(
  because() { printf '%s\n' "$m because ${trusted(String(index))} $*" >&3; }
  if absent=$(first_absent ${programs}); then
    because "there is no $absent"
  else
    {
      ( ${script} )
      printf '%s\n' "$m status ${trusted(String(index))} $?" >&3
    } | squeeze | base64 -w ${columns} | awk -v p="$m data ${trusted(String(index))} " '{ print p $0; fflush() }'
  fi
) &`;
}

/**
 * One script that looks at all sections, side by side, and only looks. It is one compound command, so that nothing of
 * it runs unless all of it arrived; what start-up files or a preloaded library print lies outside of the marked lines.
 * @param marker a word that nothing else prints
 */
export function scriptFor(sections: readonly Section[], marker: string): string {
  const looks = lines(...sections.map(look));
  // File descriptor 3 and cat make one pipe of all: ssh's own channel is a socket pair, which promises less.
  return sh`{
exec </dev/null 2>/dev/null
unset LD_PRELOAD LD_LIBRARY_PATH ENV BASH_ENV CDPATH PERL5OPT PERL5LIB GREP_OPTIONS SYSTEMD_COLORS
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin LC_ALL=C TZ=UTC0 SYSTEMD_PAGER=
IFS='
 	'
export PATH LC_ALL TZ SYSTEMD_PAGER
m=${marker}
first_absent() {
  for program; do
    command -v "$program" >/dev/null || { printf '%s' "$program"; return 0; }
  done
  return 1
}
if command -v gzip >/dev/null; then
  squeeze() { gzip -1 -c; }
else
  squeeze() { cat; }
fi
cd /
{
${looks}
wait
} 3>&1 | cat
printf '%s\n' "$m end"
}
`.shell;
}
