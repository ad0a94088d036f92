import { lines, trusted } from "../shell.ts";
import { flagsLibrary } from "./flags-library.ts";
import { modeLibrary } from "./mode-library.ts";

/**
 * Shell functions around one file, shared by the kinds that change files.
 *
 * `stat -c %y` prints nanoseconds in a form that `touch -d` takes back, in coreutils and in busybox.
 */
export const fileLibrary = lines(
  modeLibrary,
  flagsLibrary,
  trusted(String.raw`
file_xattrs() { # path: extended attributes and ACLs, sorted, in xattrs; nothing where the tools are not installed
  xattrs=
  if command -v getfattr >/dev/null && command -v setfattr >/dev/null; then
    xattrs=$(getfattr -h -d -m - -e hex --absolute-names -- "$1" 2>/dev/null) || :
    [ -z "$xattrs" ] || xattrs=$(printf '%s\n' "$xattrs" | grep -v '^#' | grep . | sort | b64)
  fi
}
file_told() { # path: what stat tells of it, in size, links, mode, owner and mtime
  mtime=$(stat -c '%s %h %a %u:%g %y' -- "$1")
  size=${"$"}{mtime%% *} mtime=${"$"}{mtime#* }
  links=${"$"}{mtime%% *} mtime=${"$"}{mtime#* }
  mode=${"$"}{mtime%% *} mtime=${"$"}{mtime#* }
  owner=${"$"}{mtime%% *} mtime=${"$"}{mtime#* }
}
file_read() { # path temporary grows reload restart
  if [ -L "$1" ] || [ -e "$1" ]; then file_told "$1"; fi
  if [ -L "$1" ]; then
    put type symlink
    put target "$(readlink -n -- "$1" | b64)"
  elif [ -f "$1" ]; then
    put type file
    if [ "$3" = no ]; then
      sum=$(sha256sum < "$1")
      put sha256 "${"$"}{sum%% *}"
      put mode "$mode"
      file_xattrs "$1"
      put xattrs "$xattrs"
    fi
  elif [ -d "$1" ]; then put type folder
  elif [ -e "$1" ]; then put type other
  else put type absent
  fi
  if [ -L "$1" ] || [ -e "$1" ]; then
    [ "$3" = yes ] || put owner "$owner"
    note mtime "$mtime"
  fi
  # Ours alone, and there only while a change or a restoration is not at its end.
  if [ -L "$2" ] || [ -e "$2" ]; then put unfinished yes; fi
  [ "$CONTENT" = no ] || file_notes "$1" "$3"
  if [ -n "$4" ]; then put reload "$(systemctl show -p NeedDaemonReload --value -- "$4")"; fi
  if [ -n "$5" ]; then
    note running "$(systemctl show -p ActiveState --value -- "$5")"
    put fresh "$(file_fresh "$1" "$5")"
  fi
}
file_notes() { # path grows: what decides whether and how it can be changed, and its bytes
  if [ -f "$1" ] && [ ! -L "$1" ]; then
    note size "$size"
    note links "$links"
    if mountpoint -q -- "$1" 2>/dev/null; then note mounted yes; fi
    flags_of "$1" || :
    note flags "$flags"
    if [ "$2" = no ] && [ "$size" -le 4194304 ]; then note content "$(b64 < "$1")"; fi
  fi
  folder=$(dirname -- "$1")
  if [ ! -d "$folder" ]; then note parent missing
  else
    flags_of "$folder" || :
    case $flags in
    *[ia]*) note folder locked ;;
    *) [ -w "$folder" ] || note readonly yes # root may write anywhere but on a read-only file system
    esac
  fi
}
file_fresh() { # path unit: has the running unit been started since the file last changed? ctime cannot be set back
  case $(systemctl show -p ActiveState --value -- "$2") in active|activating|reloading) ;; *) echo yes; return ;; esac
  started=$(systemctl show --timestamp=us+utc -p ExecMainStartTimestamp --value -- "$2")
  [ -n "$started" ] || { echo yes; return; }
  [ -L "$1" ] || [ -e "$1" ] || { echo yes; return; }
  started=$(date -d "$started" +%s%6N)
  changed=$(stat -c %.6Z -- "$1" | tr -d .)
  if [ "$started" -ge "$changed" ]; then echo yes; else echo no; fi
}
file_unlock() { # path: without the flags that keep anybody from changing it, which it did not have before
  flags_of "$1" || :
  case $flags in *[ia]*) chattr -ia -- "$1" ;; esac
}
file_settle() { # path: what was renamed or written is on the disk
  sync -- "$(dirname -- "$1")"
}
file_cover() { # temporary: it is gone when this subshell ends, however it ends
  [ -d "$(dirname -- "$1")" ] || { echo "there is no folder $(dirname -- "$1") any more" >&2; return 1; }
  temporary=$1
  trap file_uncover EXIT
}
file_uncover() {
  if [ -L "$temporary" ] || [ -e "$temporary" ]; then rm -f -- "$temporary"; file_settle "$temporary"; fi
}
file_xattrs_back() { # path xattrs: these and no others
  file_xattrs "$1"
  [ "$xattrs" != "$2" ] || return 0
  printf %s "$xattrs" | base64 -d | sed 's/=.*//' | while IFS= read -r name; do setfattr -h -x "$name" -- "$1" || exit 1; done
  printf %s "$2" | base64 -d | while IFS== read -r name value; do
    setfattr -h -n "$name" -v "$value" -- "$1" || exit 1
  done
}
file_dress() { # path mode owner xattrs mtime
  # Writing and chown take capabilities away, and chown the set-user-id bit: so owner, mode, attributes, time.
  chown "$3" -- "$1" && set_mode "$2" "$1" && file_xattrs_back "$1" "$4" && { [ -z "$5" ] || touch -d "$5" -- "$1"; }
}
file_prepare() { # path temporary mode owner xattrs mtime base64
  printf %s "$7" | base64 -d > "$2" || return 1
  # Without the tools for attributes and ACLs, those that the file has now are carried over by cp.
  if [ -f "$1" ] && ! command -v setfattr >/dev/null; then cp -a --attributes-only -- "$1" "$2" || return 1; fi
  file_dress "$2" "$3" "$4" "$5" "$6" && sync -- "$2"
}
file_overwrite() { # path mode owner xattrs mtime size base64
  if [ -L "$1" ]; then rm -f -- "$1"; fi
  # Overwritten, not emptied first: it needs no space, which others could take, and never is empty.
  printf %s "$7" | base64 -d | dd of="$1" bs=65536 conv=notrunc status=none &&
    truncate -s "$6" -- "$1" && file_dress "$1" "$2" "$3" "$4" "$5" && sync -- "$1"
}
file_sum() { # path
  sha256sum < "$1" 2>/dev/null || :
}
file_in_place() { # path temporary mode owner xattrs mtime size base64
  # Not by the colon, a special builtin: a redirection of it that fails ends the shell.
  true > "$2" || :
  was=$(file_sum "$1")
  if file_overwrite "$1" "$3" "$4" "$5" "$6" "$7" "$8"; then return; fi
  # Half written is neither the old nor the new: the temporary file stays and says that it is no person's work.
  if [ "$(file_sum "$1")" != "$was" ]; then trap - EXIT; fi
  return 1
}
file_write() { # path temporary mode owner xattrs mtime size base64 way(rename|place|any)
  file_cover "$2"
  rm -f -- "$2"
  way=$9
  if [ "$way" != place ]; then
    if file_prepare "$1" "$2" "$3" "$4" "$5" "$6" "$8"; then
      # A bind-mounted file, such as /etc/hosts in a container, cannot be renamed over: it is written in place.
      mv -fT -- "$2" "$1" 2>/dev/null || way=place
    elif [ "$way" = any ] && true > "$2"; then way=place
    else return 1
    fi
  fi
  if [ "$way" = place ]; then file_in_place "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8"; fi
  file_settle "$1"
}
file_link() { # path temporary target uid gid mtime
  file_cover "$2"
  rm -f -- "$2"
  ln -s -- "$3" "$2"
  chown -h "$4:$5" -- "$2"
  if [ -n "$6" ]; then touch -h -d "$6" -- "$2"; fi
  mv -fT -- "$2" "$1"
  file_settle "$1"
}
file_remove() { # path temporary: put aside until whoever reads it was told
  [ -d "$(dirname -- "$1")" ] || return 0
  if [ -d "$1" ] && [ ! -L "$1" ]; then echo "$1 is a folder now" >&2; return 1; fi
  file_cover "$2"
  if [ -L "$1" ] || [ -e "$1" ]; then mv -fT -- "$1" "$2"; fi
  file_settle "$1"
}
file_container() { # container
  crictl ps -q --state Running --name "^$1\$" 2>/dev/null | head -n 1
}
file_pod_now() { # manifest container
  manifest_was=$(sha256sum <"$1" 2>/dev/null || :) container_was=$(file_container "$2")
}
file_pod_anew() { # manifest container
  # The kubelet ends the pod some time after its manifest was changed, and starts it when it is gone.
  [ "$(sha256sum <"$1" 2>/dev/null || :)" != "$manifest_was" ] && [ -n "$container_was" ] || return 0
  waited=0
  while [ "$waited" -lt 150 ]; do
    case $(file_container "$2") in '' | "$container_was") ;; *) return 0 ;; esac
    sleep 1
    waited=$((waited + 1))
  done
}
file_notify() { # reload restart running(yes|no): two units or nothing; a unit that was not running is not started
  if [ -n "$1$2" ]; then systemctl daemon-reload; fi
  [ -n "$2" ] || return 0
  # A unit that a bad file keeps from starting is the break at work, so a failed start is no error here.
  if [ "$3" = yes ]; then systemctl reset-failed -- "$2" 2>/dev/null || :; systemctl restart -- "$2" || :
  else systemctl try-restart -- "$2" || :
  fi
}
`),
);
