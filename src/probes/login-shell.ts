import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * Runs a line in root's shell as somebody has it who has just logged in: with the start-up files, aliases and functions
 * that kbreak's own scripts know nothing of. What it prints, complaints too, is printed; HISTFILE keeps its history.
 */
const inLoginShell = (line: string) =>
  sh`env -i HOME=/root USER=root LOGNAME=root TERM=dumb HISTFILE=/dev/null LESSHISTFILE=- timeout 30 bash -lic ${line} 2>&1`;

/** In root's login shell, `command` says `text`: at the latest when it is called for so many times. */
export function loginShellSays(command: string, text: string, times = 1): Probe {
  return {
    title: `in root's shell, \`${command}\` says ${JSON.stringify(text)}`,
    commands: ["bash", "timeout"],
    script: sh`left=${times}
while [ "$left" -gt 0 ]; do
  case $(${inLoginShell(command)}) in *${text}*) exit 0 ;; esac
  left=$((left - 1))
done
exit 1`,
  };
}

/**
 * What root types into the editor that `kubectl edit` would start is not saved by `:wq`, as vi has it. It is tried on a
 * file of the probe's own. Without a vi nothing can be told.
 */
export function editorSavesNothing(): Probe {
  return {
    title: "what is typed into kubectl's editor and saved is not saved",
    commands: ["bash", "timeout", "vi"],
    script: sh`folder=$(mktemp -d) || exit 2
trap 'rm -rf -- "$folder"' EXIT
printf 'itext\033:wq\r' >"$folder/keys"
: >"$folder/file"
${inLoginShell('echo "editor=$KUBE_EDITOR"; echo "editor=$EDITOR"; echo editor=vi')} >"$folder/said"
editor=$(sed -n 's/^editor=\(..*\)/\1/p' "$folder/said" | head -n 1)
[ -n "$editor" ] || exit 2
# It must leave no note of what was edited in root's home.
case $("$editor" --version 2>/dev/null </dev/null | head -n 1) in VIM*) options='-i NONE' ;; *) options= ;; esac
env -i HOME=/root TERM=dumb PATH="$PATH" timeout 20 $editor $options "$folder/file" <"$folder/keys" >/dev/null 2>&1
[ ! -s "$folder/file" ] || exit 1`,
  };
}
