import { lines, type Shell, sh } from "../shell.ts";
import type { Section } from "./section.ts";

/**
 * Lines as `MARKER stream 12 <base64>`. They are shorter than 4096 bytes, which a pipe takes as a whole (PIPE_BUF), so
 * that lanes may write side by side.
 */
const columns = 3000;

function look({ programs, script }: Section, index: number): Shell {
  return sh`
index=${index}
if first_absent ${programs}; then
  because "there is no $absent"
else
  printf '%s\n' "$m section $index"
  ( ${script} )
  printf '%s\n' "$m status $index $?" >&3
fi`;
}

// The marker is in no command line, where a process list would show it to the node and to the section of processes.
function lane(looks: readonly Shell[], index: number): Shell {
  return sh`
{ ${lines(...looks)}
} | squeeze | base64 -w ${columns} | p="$m data "${index}" " awk '{ print ENVIRON["p"] $0; fflush() }' &`;
}

/**
 * One script that looks at the sections of each lane one after the other, and at the lanes side by side, and only
 * looks: three processes that pack and frame are too many for each of thirty sections. It is one compound command, so
 * that nothing of it runs unless all of it arrived; what start-up files or a preloaded library print lies outside of
 * the marked lines.
 * @param lanes their sections are numbered from 0 on in their order
 * @param marker a word that nothing else prints
 */
export function scriptFor(lanes: readonly (readonly Section[])[], marker: string): string {
  const all = lanes.flat();
  const looks = lanes.map((sections) => sections.map((section) => look(section, all.indexOf(section))));
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
    command -v "$program" >/dev/null || { absent=$program; return 0; }
  done
  return 1
}
because() { printf '%s\n' "$m because $index $*" >&3; }
if command -v gzip >/dev/null; then
  squeeze() { gzip -1 -c; }
else
  squeeze() { cat; }
fi
cd /
{
${lines(...looks.map(lane))}
wait
} 3>&1 | cat
printf '%s\n' "$m end"
}
`.shell;
}
