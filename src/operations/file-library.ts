import { trusted } from "../shell.ts";

/**
 * Shell functions around one file, shared by the kinds that change files.
 *
 * `stat -c %y` prints nanoseconds in a form that `touch -d` takes back, in coreutils and in busybox.
 */
export const fileLibrary = trusted(String.raw`
file_flags() { # path: its attribute flags without the dashes; nothing where the file system has none
  lsattr -d -- "$1" 2>/dev/null | cut -d' ' -f1 | tr -d - || :
}
file_xattrs() { # path: extended attributes and ACLs, sorted; nothing where the tools are not installed
  if command -v getfattr >/dev/null && command -v setfattr >/dev/null; then
    getfattr -h -d -m - -e hex --absolute-names -- "$1" 2>/dev/null | grep -v '^#' | grep . | sort | b64
  fi
}
file_read() { # path grows reload restart
  if [ -L "$1" ]; then
    put type symlink
    put target "$(readlink -n -- "$1" | b64)"
  elif [ -f "$1" ]; then
    put type file
    note size "$(stat -c %s -- "$1")"
    note links "$(stat -c %h -- "$1")"
    if [ "$(stat -c %m -- "$1")" = "$1" ]; then note mounted yes; fi
    note flags "$(file_flags "$1")"
    if [ "$2" = no ]; then
      put sha256 "$(sha256sum < "$1" | cut -d' ' -f1)"
      put mode "$(stat -c %a -- "$1")"
      put xattrs "$(file_xattrs "$1")"
      if [ "$CONTENT" = yes ] && [ "$(stat -c %s -- "$1")" -le 4194304 ]; then note content "$(b64 < "$1")"; fi
    fi
  elif [ -d "$1" ]; then put type folder
  elif [ -e "$1" ]; then put type other
  else put type absent
  fi
  if [ -L "$1" ] || [ -e "$1" ]; then
    [ "$2" = yes ] || put owner "$(stat -c %u:%g -- "$1")"
    note mtime "$(stat -c %y -- "$1")"
  fi
  folder=$(dirname -- "$1")
  if [ ! -d "$folder" ]; then note parent missing
  elif [ ! -w "$folder" ]; then note readonly yes # root may write anywhere but on a read-only file system
  fi
  if [ -n "$3" ]; then put reload "$(systemctl show -p NeedDaemonReload --value -- "$3")"; fi
  if [ -n "$4" ]; then
    note running "$(systemctl show -p ActiveState --value -- "$4")"
    put fresh "$(file_fresh "$1" "$4")"
  fi
}
file_fresh() { # path unit: has the unit been started since the file last changed? ctime cannot be set back
  started=$(systemctl show --timestamp=us+utc -p ExecMainStartTimestamp --value -- "$2")
  [ -n "$started" ] || { echo yes; return; }
  changed=$1
  [ -e "$changed" ] || changed=$(dirname -- "$1")
  [ -e "$changed" ] || { echo yes; return; }
  started=$(date -d "$started" +%s%6N)
  changed=$(stat -c %.6Z -- "$changed" | tr -d .)
  if [ "$started" -ge "$changed" ]; then echo yes; else echo no; fi
}
file_settle() { # path: what was renamed or written is on the disk
  sync -- "$(dirname -- "$1")"
}
file_write() { # path temporary mode owner xattrs mtime in-place base64
  rm -f -- "$2"
  printf %s "$8" | base64 -d > "$2" || { rm -f -- "$2"; return 1; }
  chown "$4" -- "$2"
  chmod "$3" -- "$2"
  if [ -n "$5" ]; then { printf '# file: %s\n' "$2"; printf %s "$5" | base64 -d; } | setfattr -h --restore=-; fi
  if [ -n "$6" ]; then touch -d "$6" -- "$2"; fi
  sync -- "$2"
  # A bind-mounted file, such as /etc/hosts in a container, cannot be renamed over: it is written in place.
  if [ "$7" = yes ] || ! mv -fT -- "$2" "$1" 2>/dev/null; then
    cat -- "$2" > "$1"
    chown "$4" -- "$1"
    chmod "$3" -- "$1"
    if [ -n "$6" ]; then touch -d "$6" -- "$1"; fi
    rm -f -- "$2"
    sync -- "$1"
  fi
  file_settle "$1"
}
file_link() { # path temporary target uid gid mtime
  rm -f -- "$2"
  ln -s -- "$3" "$2"
  chown -h "$4:$5" -- "$2"
  if [ -n "$6" ]; then touch -h -d "$6" -- "$2"; fi
  mv -fT -- "$2" "$1"
  file_settle "$1"
}
file_remove() { # path temporary
  [ -d "$(dirname -- "$1")" ] || return 0
  rm -f -- "$2" "$1"
  file_settle "$1"
}
file_notify() { # reload restart: each a unit or nothing
  if [ -n "$1$2" ]; then systemctl daemon-reload; fi
  # A unit that a bad file keeps from starting is the break at work, so a failed start is no error here.
  if [ -n "$2" ]; then systemctl reset-failed -- "$2" 2>/dev/null || :; systemctl restart -- "$2" || :; fi
}
`);
