import { trusted } from "../shell.ts";

/** Changes a mode where chmod cannot: shared by the kinds that set modes, as undo must not need what a break took away. */
export const modeLibrary = trusted(String.raw`
set_mode() { # mode path: chmod may be what lost its executable bit; the dynamic loader runs it all the same
  chmod "$1" -- "$2" 2>/dev/null && return
  for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 /lib/ld-musl-*.so.1; do
    if [ -x "$loader" ] && "$loader" "$(program_path chmod)" "$1" -- "$2"; then return; fi
  done
  chmod "$1" -- "$2"
}
program_path() { # name: its path, executable or not
  for folder in /usr/bin /bin /usr/sbin /sbin; do
    if [ -f "$folder/$1" ]; then echo "$folder/$1"; return; fi
  done
}
`);
